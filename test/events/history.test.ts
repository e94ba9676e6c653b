// What has happened, read from the logs once.
import { expect } from 'chai';
import { EventHistory, type HistoryOptions } from '../../src/events/history.js';
import { type LostEvents, RedisTokens } from '../../src/index.js';
import { rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const SCOPE = { app: 'shop', type: 'session', duration: 60 };

describe('EventHistory', () => {
  const opened = new Opened();
  let prefix: string;
  let url: string;
  let history: EventHistory;

  beforeEach(async () => {
    url = (await sharedRedis()).url;
    prefix = freshPrefix();
    history = opened.add(new EventHistory(url, prefix, 5_000));
  });

  const deployment = (shards: number) => opened.add(new RedisTokens(url, { prefix, shards }));

  async function read(options: HistoryOptions = {}) {
    const events = [];
    for await (const event of history.read(options)) events.push(event);
    return events;
  }

  it('tells of all shards in order of time, and of those alone that are asked for', async () => {
    const tokens = deployment(4);
    const made = [];
    for (let i = 0; i < 20; i++) made.push(await tokens.create({ ...SCOPE, owner: `owner ${i}` }));
    await tokens.deleteAll({ app: 'shop', type: 'session', owner: 'owner 3' });
    const events = await read();
    const created = events.filter(({ type }) => type === 'token-created').map(({ subject }) => subject);
    expect(created).members(made.map(({ id }) => id));
    expect(new Set(events.map(({ id }) => id.split('-')[0])).size).above(1);
    const times = events.map(({ id }) => Number(id.split('-')[1]));
    expect(times).deep.equal([...times].sort((a, b) => a - b));
    const ofOne = await read({ app: 'shop', type: 'session', owner: 'owner 3' });
    expect(ofOne.map(({ type }) => type)).deep.equal(['token-created', 'token-revoked']);
    expect(await read({ app: 'other' })).deep.equal([]);
  });

  it('begins with a time', async () => {
    const tokens = deployment(1);
    const ids = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await tokens.create({ ...SCOPE, owner: 'ann' })).id);
      await tokens.client.eval(
        "local t = redis.call('TIME') repeat local n = redis.call('TIME') until n[1] * 1000 + n[2] / 1000 > t[1] * 1000 + t[2] / 1000 + 2",
        0,
      );
    }
    const [, second] = await read();
    const from = Date.parse(second?.time as string);
    expect((await read({ from })).map(({ subject }) => subject)).deep.equal(ids.slice(1));
    expect(await read({ from: from + 60_000 })).deep.equal([]);
  });

  it('reads a log of many pages to where it ended at first, and tells what was trimmed before and meanwhile', async () => {
    const tokens = deployment(1);
    const log = `{${prefix}:0}:log`;
    await tokens.ready();
    const data = { app: 'shop', type: 'session', owner: 'ann' };
    const event = { specversion: '1.0', type: 'token-created', subject: 'x', data };
    const add = "for i = 1, ARGV[2] do redis.call('XADD', KEYS[1], '*', 'event', ARGV[1]) end";
    const write = (count: number) => tokens.client.eval(add, 1, log, JSON.stringify(event), count);
    await write(3_000);
    let told = 0;
    for await (const _ of history.read()) if (++told === 1) await write(1_100);
    expect(told, 'what is written meanwhile is for another time').equal(3_000);
    expect(await read()).length(4_100);
    const lost: LostEvents[] = [];
    const onLost = (each: LostEvents) => lost.push(each);
    expect(await read({ from: 1, onLost })).length(4_100);
    expect(lost).deep.equal([]);

    await tokens.client.xtrim(log, 'MAXLEN', 4_050);
    await read({ onLost }); // all that there is
    expect(lost).deep.equal([]);
    await read({ from: 1, onLost });
    const [first] = await tokens.client.xrange(log, '-', '+', 'COUNT', 1);
    expect(lost.splice(0)).deep.equal([{ shard: 0, from: '0-18446744073709551615', to: first?.[0] }]);

    told = 0;
    for await (const _ of history.read({ onLost })) {
      if (++told === 1) await tokens.client.xtrim(log, 'MAXLEN', 10);
    }
    expect(told).equal(2_010);
    expect(lost).length(1);
  });

  it('refuses where there is no deployment', async () => {
    expect(await rejection(read())).include({ code: 'CONFIG' });
  });
});
