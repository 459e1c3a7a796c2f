import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const { DATABASE_URL: databaseUrl, PORT: port = '3000' } = process.env;

if (databaseUrl === undefined) {
  console.error('DATABASE_URL is missing: postgres://user:password@host:5432/name');
  process.exitCode = 1;
} else {
  const app = await NestFactory.create(AppModule.with({ databaseUrl, publicUrl: `http://localhost:${port}` }));
  app.enableShutdownHooks();
  await app.listen(Number(port), '127.0.0.1');
  console.log(`Listening on http://localhost:${port}`);
}
