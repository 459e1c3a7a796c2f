// A vitest reporter that writes down what scripts/test.mjs adds up. Vitest's own JSON report has no reason for a
// skipped test and no word about a file that did not load, and both must not go missing.
import { writeFileSync } from 'node:fs';

const placeOf = (test) => `${test.module.relativeModuleId} > ${test.fullName}`;

export default class TallyReporter {
  onTestRunEnd(modules, errors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const ended = (state) => tests.filter((test) => test.result().state === state);
    const broken = modules.filter((module) => module.errors().length > 0);
    const tally = {
      passed: ended('passed').length,
      failed: ended('failed').length + broken.length + errors.length,
      skipped: [...ended('skipped'), ...ended('pending')].map((test) => ({
        name: placeOf(test),
        reason: test.result().note ?? 'no reason given',
      })),
    };
    writeFileSync(process.env['TALLY_FILE'], JSON.stringify(tally));
  }
}
