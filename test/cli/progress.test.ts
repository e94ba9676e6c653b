// How progress is worded, and how often it is told.
import { expect } from 'chai';
import sinon from 'sinon';
import { Output } from '../../src/cli/output.js';
import { Progress, progressLine } from '../../src/cli/progress.js';

describe('progress', () => {
  let clock: sinon.SinonFakeTimers;
  let written: string[];
  let wasTerminal: boolean;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['performance'] });
    written = [];
    wasTerminal = process.stderr.isTTY;
    sinon.stub(process.stderr, 'write').callsFake((text) => {
      written.push(String(text));
      return true;
    });
  });

  afterEach(() => {
    sinon.restore();
    process.stderr.isTTY = wasTerminal;
  });

  it('tells how many of how many, how fast and how long it will take', () => {
    expect(progressLine('jobs', 25, 100, 500)).equal('[####            ]  25% 25/100 jobs');
    expect(progressLine('keys', 4_500, 10_000, 3_000, '2 problems')).equal(
      '[#######         ]  45% 4,500/10,000 keys, 1,500/s, 4 s left, 2 problems',
    );
    expect(progressLine('jobs', 3, 3_000, 2_000)).contain('1.5/s, 34 min left');
    expect(progressLine('tokens', 1_234, undefined, 2_000)).equal('1,234 tokens, 617/s');
  });

  it('writes one line over on a terminal, and takes it back', () => {
    process.stderr.isTTY = true;
    const progress = new Progress(new Output(false), 'jobs');
    progress.end();
    progress.at(1, 4);
    clock.tick(99);
    progress.at(1, 4);
    expect(written).deep.equal([]);
    clock.tick(1);
    progress.at(2, 4);
    progress.at(3, 4);
    progress.end();
    progress.end();
    expect(written).deep.equal(['\r[########        ]  50% 2/4 jobs\u001b[K', '\r\u001b[K']);
  });

  it('writes a line now and then elsewhere, and none beside JSON', () => {
    process.stderr.isTTY = false;
    const progress = new Progress(new Output(false), 'jobs');
    const silent = new Progress(new Output(true), 'jobs');
    for (let done = 0; done <= 12; done++) {
      progress.at(done, 12);
      silent.at(done, 12);
      clock.tick(1_000);
    }
    progress.end();
    expect(written).deep.equal([
      'redis-tokens: [######          ]  41% 5/12 jobs, 1/s, 7 s left\n',
      'redis-tokens: [#############   ]  83% 10/12 jobs, 1/s, 2 s left\n',
    ]);
  });
});
