// A hundred thousand tokens of redis-tokens 0.0 are moved: interrupted twice, while they are used, and none is lost.
import { expect } from 'chai';
import { RedisTokens } from '../../src/index.js';
import type { MoveSummary } from '../../src/migration/migration.js';
import { type Child, runProcess as run, start } from '../cli/command.js';
import { OldRedis, SHOP } from '../migration/old-redis.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';

const COUNT = 100_000;
const OWNERS = 5_000;
const AT_ONCE = 1_000;
const HOUR = 3_600;

const PREFIX = 'rt';
const RECORDS = `{${PREFIX}:0}:s:shop:session`;

const tokenOf = (i: number): string => `old-token-${i}`;
const ownerOf = (i: number): string => `owner-${i % OWNERS}`;

describe('a migration of many tokens', function () {
  this.timeout(300_000);

  const opened = new Opened();
  let old: OldRedis;

  before(async () => {
    old = await OldRedis.start();
    for (let from = 0; from < COUNT; from += AT_ONCE) {
      const numbers = Array.from({ length: AT_ONCE }, (_, i) => from + i);
      await Promise.all(
        numbers.map((i) =>
          old.create({
            owner: ownerOf(i),
            customToken: tokenOf(i),
            data: { i },
            duration: HOUR + (i % HOUR),
          }),
        ),
      );
    }
  });

  after(() => old.stop());

  it('loses none and doubles none, killed and stopped on its way, and each is answered all the while', async () => {
    const expiries = await expiriesOf(Array.from({ length: COUNT / 100 }, (_, i) => i * 100));
    const tokens = opened.add(new RedisTokens(old.url, { migrateFrom: {}, timeout: 60_000 }));
    await tokens.ready();
    const use = new Use(tokens);
    const using = use.goOn();

    await interrupted('SIGTERM', 0.2);
    await interrupted('SIGKILL', 0.5);
    const { status, stdout } = await runToTheEnd();
    use.stop();
    await using;

    expect(status, stdout).equal(0);
    const summary = JSON.parse(stdout) as MoveSummary;
    expect(summary).include({ complete: true });
    expect(use.wrong).deep.equal([]);
    expect(use.right).above(1_000);

    const left = COUNT - use.deleted.size;
    expect(await old.redis.keys('app:*')).deep.equal([]);
    expect(await old.redis.zcard(RECORDS)).equal(left);
    expect(await tokens.count(SHOP)).equal(left);
    const created = await old.redis.xinfo('STREAM', `{${PREFIX}:0}:log`);
    expect(fieldOf(created, 'entries-added')).equal(COUNT + use.deleted.size);
    for (let i = 0; i < COUNT; i++) await use.look(i);
    expect(use.wrong).deep.equal([]);
    for (const [i, expiresAt] of expiries) {
      const found = await tokens.get({ ...SHOP, token: tokenOf(i) });
      if (found) expect(found.expiresAt).equal(expiresAt);
    }
    const doctor = await run(['doctor'], { env: { REDIS_URL: old.url } });
    expect(doctor.status, doctor.stdout).equal(0);
  });

  const env = () => ({ REDIS_URL: old.url, REDIS_TOKENS_MIGRATE_FROM: old.url });
  const migrate = (): Child => {
    const child = start(['migrate', '--delete', '--json'], { env: env() });
    return opened.later(child, () => child.kill());
  };

  /** Ends it by the signal once so large a part of all has been moved. */
  async function interrupted(signal: NodeJS.Signals, part: number): Promise<void> {
    const child = migrate();
    await eventually('a part is moved', async () => (await old.redis.zcard(RECORDS)) >= part * COUNT, 60_000);
    child.process.kill(signal);
    const { status, stdout } = await child.ended;
    if (signal === 'SIGKILL') return;
    expect(status).equal(4);
    expect(JSON.parse(stdout)).include({ complete: false });
  }

  function runToTheEnd() {
    return migrate().ended;
  }

  async function expiriesOf(numbers: readonly number[]): Promise<Map<number, number>> {
    const found = await Promise.all(
      numbers.map(async (i) => {
        const token = { ...SHOP, owner: ownerOf(i), token: tokenOf(i), data: {} };
        return [i, await old.redis.pexpiretime(old.keyOf(token))] as const;
      }),
    );
    return new Map(found);
  }
});

/** What applications do meanwhile: nearly always they ask for a token, now and then they end one. */
class Use {
  readonly deleted = new Set<number>();
  readonly wrong: string[] = [];
  right = 0;
  readonly #tokens: RedisTokens;
  #stopped = false;

  constructor(tokens: RedisTokens) {
    this.#tokens = tokens;
  }

  stop(): void {
    this.#stopped = true;
  }

  async goOn(): Promise<void> {
    await Promise.all(
      Array.from({ length: 4 }, async (_, lane) => {
        // Each has tokens of its own, so that it knows which it has ended.
        for (let step = 0; !this.#stopped; step++) {
          const i = (Math.floor(Math.random() * (COUNT / 4)) * 4 + lane) % COUNT;
          if (step % 50 === 49) await this.#end(i);
          await this.look(i);
        }
      }),
    );
  }

  async look(i: number): Promise<void> {
    const found = await this.#tokens.get({ ...SHOP, token: tokenOf(i) });
    const isRight = this.deleted.has(i)
      ? found === undefined
      : found?.data.i === i && found.owner === ownerOf(i);
    if (isRight) this.right++;
    else this.wrong.push(`${i}: ${JSON.stringify(found)}`);
  }

  async #end(i: number): Promise<void> {
    const ended = await this.#tokens.delete({ ...SHOP, token: tokenOf(i) });
    if (ended === this.deleted.has(i)) this.wrong.push(`${i}: delete answered ${ended}`);
    this.deleted.add(i);
  }
}

const fieldOf = (info: unknown, field: string): number => {
  const fields = info as unknown[];
  return Number(fields[fields.indexOf(field) + 1]);
};
