import { Metadata } from '@grpc/grpc-js';
import { headers } from '@nats-io/transport-node';
import { KafkaContext, MqttContext, NatsContext, RedisContext, RmqContext, TcpContext } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { readMessageHeaders } from '../../../src/microservices/message-headers.js';

const value = 'Bearer a';
const nothing: never = undefined as never;

function natsContext(): NatsContext {
  const bag = headers();
  bag.append('Authorization', value);
  bag.append('Authorization', 'Bearer b');
  return new NatsContext(['cats', bag]);
}

function metadata(): Metadata {
  const bag = new Metadata();
  bag.add('authorization', value);
  bag.add('authorization', 'Bearer b');
  return bag;
}

const kafkaMessage = (given: object): never => ({ headers: given }) as never;

describe('the headers of a message', () => {
  it.each([
    ['NATS, two of a name', natsContext(), [value, 'Bearer b']],
    ['NATS, none', new NatsContext(['cats', undefined]), []],
    ['gRPC, two of a name', metadata(), [value, 'Bearer b']],
    [
      'Kafka, as bytes',
      new KafkaContext([kafkaMessage({ Authorization: Buffer.from(value) }), 0, 'cats', nothing, nothing, nothing]),
      [value],
    ],
    [
      'Kafka, a list',
      new KafkaContext([kafkaMessage({ authorization: [value, 'Bearer b'] }), 0, 'cats', nothing, nothing, nothing]),
      [value, 'Bearer b'],
    ],
    ['RabbitMQ', new RmqContext([{ properties: { headers: { authorization: value } } }, {}, 'cats']), [value]],
    ['RabbitMQ, none', new RmqContext([{ properties: {} }, {}, 'cats']), []],
    ['MQTT 5', new MqttContext(['cats', { properties: { userProperties: { authorization: value } } }]), [value]],
    ['MQTT 3', new MqttContext(['cats', {}]), []],
    ['Redis, with metadata of Nest 12', new RedisContext(['cats', { authorization: value }]), [value]],
    ['Redis, without', new RedisContext(['cats']), []],
    ['TCP, with metadata of Nest 12', new TcpContext([nothing, 'cats', { Authorization: value }]), [value]],
    ['something that is no text', new RmqContext([{ properties: { headers: { authorization: 7 } } }, {}, 'cats']), []],
    ['a transport of the app’s own', { whatever: true }, []],
    ['no context', undefined, []],
  ])('are read from where the transport stores them: %s', (_, context, values) => {
    expect(readMessageHeaders(context).get('authorization') ?? []).toEqual(values);
  });

  it.each([
    ['Kafka', (bag: object) => new KafkaContext([kafkaMessage(bag), 0, 'cats', nothing, nothing, nothing])],
    ['TCP', (bag: object) => new TcpContext([nothing, 'cats', bag as never])],
  ])('are refused where there are more than 100: %s', (_, contextOf) => {
    const bag = Object.fromEntries(Array.from({ length: 100 }, (__, at) => [`name-${at}`, value]));
    expect(readMessageHeaders(contextOf(bag)).size).toBe(100);
    expect(() => readMessageHeaders(contextOf({ ...bag, authorization: value }))).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
  });
});
