import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import { isAuthError } from '../errors/auth-error.js';
import { RedisScript, type RedisScripts } from './redis-scripts.js';

/** Only reads: the scripts of the stores need the same right. */
const probe = new RedisScript('return redis.call("EXISTS", KEYS[1])');

/** Whether Redis answers, and runs scripts for the user of the app. */
export class RedisDoctorCheck extends DoctorCheck {
  constructor(private readonly scripts: RedisScripts) {
    super();
  }

  override async run({ offline }: DoctorContext): Promise<readonly DoctorFinding[]> {
    if (offline) return [skipped('redis', 'the doctor runs --offline')];
    try {
      await this.scripts.run(probe, [this.scripts.key('doctor', 'probe')], []);
      return [ok('redis', 'it answers and runs scripts')];
    } catch (error) {
      return [
        problem('fail', 'redis', {
          found: isAuthError(error) ? error.explanation : 'Redis did not run a command',
          expected: 'an answer to a script',
          fix: 'Start Redis, check the address and the user of the client, and allow EVAL, EVALSHA and the keys of keyPrefix',
        }),
      ];
    }
  }
}
