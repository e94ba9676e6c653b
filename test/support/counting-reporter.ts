// Mocha's spec reporter that also appends its counts to the file TEST_COUNTS_FILE names, for whoever adds runs up.
import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env.TEST_COUNTS_FILE;
    if (!file) return;
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      // Failed hooks count as failures here, as they do in what the spec reporter prints.
      appendFileSync(file, `${this.stats.passes} ${this.stats.failures}\n`);
    });
  }
}
