// The console in a real browser: everything that an operator does there.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sinon from 'sinon';
import { RedisTokens, TokenProducer } from '../../../src/index.js';
import { buildPage } from '../../../tools/build-page.js';
import { openBrowser } from '../../support/browser.js';
import { eventually } from '../../support/eventually.js';
import { PASSWORD, type Stage, setStage } from './stage.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };

/** Where pictures of the page go, for the documentation, where it is told. */
const PICTURES = process.env.PICTURES;

describe('the console’s page', function () {
  this.timeout(60_000);
  let browser: Browser;
  let stage: Stage;
  let base: string;
  let tokens: RedisTokens;
  let context: BrowserContext;
  let page: Page;
  /** What went wrong in the browser, and what it asked of others. */
  let faults: string[];
  /** All that the server has answered. */
  let answers: string[];

  before(async () => {
    buildPage();
    browser = await openBrowser();
  });
  after(() => browser.close());

  beforeEach(async () => {
    stage = await setStage({ REDIS_TOKENS_CONSOLE_PASSWORD: PASSWORD });
    base = await stage.http.listen({ port: 0, host: '127.0.0.1' });
    tokens = new RedisTokens(stage.url, { prefix: stage.prefix });
    [faults, answers] = [[], []];
    context = await browser.newContext();
    page = await context.newPage();
    listen(page);
  });
  afterEach(async () => {
    await context.close();
    await Promise.all([tokens.close(), stage.close()]);
  });

  function listen(opened: Page): void {
    opened.on('pageerror', (error) => faults.push(error.message));
    opened.on('console', (message) => {
      // The browser itself tells of the answer 401 in that way, which is what the log-in begins with.
      if (message.type() === 'error' && !message.text().includes('401')) faults.push(message.text());
    });
    opened.on('request', (request) => {
      if (!request.url().startsWith(`${base}/`) && !request.url().startsWith('data:'))
        faults.push(request.url());
    });
    opened.on('response', async (response) => {
      if (!response.url().endsWith('/events')) answers.push(await response.text().catch(() => ''));
    });
  }

  async function logIn(): Promise<void> {
    await page.goto(`${base}/console`);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await isThere();
  }

  /** It has loaded, and has been told how things stand. */
  const isThere = () => page.getByText(`prefix ${stage.prefix}`).waitFor();

  async function showAnn(): Promise<void> {
    for (const [name, value] of Object.entries(ANN)) {
      await page.getByLabel(name[0]?.toUpperCase() + name.slice(1), { exact: true }).fill(value);
    }
    await page.getByRole('button', { name: 'Show' }).click();
  }

  const text = (selector: string) => page.locator(selector).innerText();

  it('asks for the password, and shows nothing before', async () => {
    await page.goto(`${base}/console`);
    expect(await page.title()).equal('redis-tokens');
    expect(await text('body')).equal('redis-tokens\nPassword\nLog in');
    await page.getByLabel('Password').fill('not the password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await text('main')).contain('That is not the password.');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await isThere();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Password').waitFor();
    await page.goto(`${base}/console`);
    await page.getByLabel('Password').waitFor();
    expect(faults).deep.equal([]);
  });

  it('shows what lives and waits, and how it moves', async () => {
    for (const type of ['session', 'session', 'reset']) await tokens.create({ ...ANN, type, duration: 60 });
    await stage.history.sample();
    await logIn();
    await eventually('the scopes are there', async () => (await text('#scopes')).includes('reset'));
    expect((await text('#scopes')).replaceAll(/\s+/g, ' '))
      .contain('shop session 2')
      .contain('shop reset 1');
    expect(await text('#figures')).contain('live tokens\n3\n');
    expect((await text('#lanes')).replaceAll(/\s+/g, ' ')).contain('commands running 1 0 – 0 0 0');
    const chart = page.getByRole('img', { name: /^By scope: shop session 2, shop reset 1/ });
    expect(await chart.locator('polyline').count()).equal(2);
    expect(faults).deep.equal([]);
  });

  it('shows an owner’s tokens, and revokes one, or all, when it has asked', async () => {
    const [phone, laptop] = [
      await tokens.create({ ...ANN, label: 'phone', hint: true, duration: 60, data: { pin: 'data-of-ann' } }),
      await tokens.create({ ...ANN, label: '<b>laptop</b>', duration: 60 }),
    ];
    await logIn();
    await showAnn();
    await page.getByText('2 live tokens.').waitFor();
    expect(await text('#owner-tokens'))
      .contain(phone.id)
      .contain(phone.hint)
      .contain('<b>laptop</b>');

    await page.getByRole('button', { name: 'Revoke phone' }).click();
    expect(await text('dialog')).contain('phone of ann (shop, session) ends at once');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Revoke phone' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await tokens.get({ ...ANN, token: phone.token })).not.equal(undefined);

    await page.getByRole('button', { name: 'Revoke phone' }).click();
    await page.locator('#ask-yes').click();
    await page.getByText('Revoked. 1 live token.').waitFor();
    expect(await tokens.get({ app: 'shop', type: 'session', token: phone.token })).equal(undefined);
    expect(await tokens.count(ANN)).equal(1);

    await tokens.create({ ...ANN, duration: 60 });
    await page.getByRole('button', { name: 'Revoke all' }).click();
    await page.locator('#ask-yes').click();
    await page.getByText('Revoked 2. 0 live tokens.').waitFor();
    expect(await tokens.count(ANN)).equal(0);
    const done = stage.lines.filter(({ event }) => event.startsWith('console-revoke'));
    expect(done.map(({ fields }) => fields)).deep.equal([
      { user: 'operator', ...ANN, id: phone.id, revoked: 1 },
      { user: 'operator', ...ANN, revoked: 2 },
    ]);
    const all = answers.join('\n');
    for (const secret of [phone.token, laptop.token, 'data-of-ann']) expect(all).not.contain(secret);
    expect(faults).deep.equal([]);
  });

  it('can be used by the keyboard alone', async () => {
    await tokens.create({ ...ANN, label: 'phone', duration: 60 });
    await page.goto(`${base}/console`);
    await page.locator('#password:focus').waitFor(); // by itself
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await isThere();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // the link to the form
    for (const word of Object.values(ANN)) {
      await page.keyboard.press('Tab');
      await page.keyboard.type(word);
    }
    await page.keyboard.press('Enter');
    const revoke = page.getByRole('button', { name: 'Revoke phone' });
    await revoke.waitFor();
    while (!(await revoke.evaluate((button) => button === button.ownerDocument.activeElement))) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab'); // from Cancel to Revoke
    await page.keyboard.press('Enter');
    await page.getByText('Revoked. 0 live tokens.').waitFor();
  });

  it('shows events as they happen, and holds them', async () => {
    await logIn();
    await page.getByText('listening').waitFor();
    const { id, token } = await tokens.create({ ...ANN, duration: 60 });
    await page.locator('#events tr', { hasText: 'token-created' }).waitFor();
    await page.getByRole('button', { name: 'Hold' }).click();
    await tokens.delete({ app: 'shop', type: 'session', token, reason: 'stolen', by: 'user' });
    await page.getByText('held; 1 passed meanwhile').waitFor();
    expect(await page.locator('#events tr').count()).equal(1);
    await page.getByRole('button', { name: 'Hold' }).click();
    await tokens.create({ ...ANN, owner: '<img src=x>', duration: 60 });
    await page.locator('#events tr', { hasText: '<img src=x>' }).waitFor();
    expect(await text('#events'))
      .contain(id)
      .not.contain(token);
    expect(faults).deep.equal([]);
  });

  /** With jobs in the queue that no worker can read. */
  async function withUnreadable(jobIds: string[], use: (queue: Queue) => Promise<void>): Promise<void> {
    const redis = new Redis(stage.url);
    const queue = new Queue('commands', { connection: redis, prefix: `{${stage.prefix}}` });
    const commands = [{ commandId: 'c1', op: 'create', ...ANN, data: 'value-of-ann' }];
    try {
      for (const jobId of jobIds) await queue.add('command', { v: 2, replyTo: null, commands }, { jobId });
      await eventually('they have failed', async () => (await queue.getFailedCount()) === jobIds.length);
      await use(queue);
      expect(answers.join('\n')).not.contain('value-of-ann');
    } finally {
      await queue.close();
      redis.disconnect();
    }
  }

  it('tells of dead letters, and runs them again or drops them', async () => {
    await withUnreadable(['one', 'two'], async (queue) => {
      await logIn();
      await page.getByText('2; the newest are shown.').waitFor({ timeout: 15_000 });
      expect(await text('#letters'))
        .contain('one on commands')
        .contain('create shop session ann')
        .contain('v must be 1');
      await page.getByRole('button', { name: 'Drop one' }).click();
      await page.locator('#ask-yes').click();
      await page.getByText('It is forgotten. 1; the newest are shown.').waitFor();
      expect(await queue.getJob('one')).equal(undefined);
      await page.getByRole('button', { name: 'Retry two' }).click();
      await page.locator('#ask-yes').click();
      await page.locator('#dead-said', { hasText: 'v must be 1' }).waitFor(); // no worker can read it
    });
    // The browser tells of the answer 400.
    expect(faults.filter((fault) => !fault.includes('400'))).deep.equal([]);
  });

  it('has Bull Board for the jobs, which looks only, and is shown no data', async () => {
    await withUnreadable(['one'], async (queue) => {
      await logIn();
      await page.getByRole('link', { name: 'Jobs' }).click();
      await page.getByText('commands').first().waitFor();
      await page.goto(`${base}/console/queues/queue/commands/one`);
      await page.getByText('Data', { exact: true }).click();
      await page.getByText('replyTo').waitFor();
      expect(answers.join('\n')).contain('"data":"(not shown)"');
      const pause = await page.evaluate(async () => {
        const answer = await fetch('/console/queues/api/queues/commands/pause', { method: 'PUT' });
        return answer.status;
      });
      expect(pause).equal(405);
      expect(await queue.isPaused()).equal(false);
    });
    // It would style what it shows while it loads by itself, which the policy forbids.
    expect(faults.filter((fault) => !/405|^Applying inline style/.test(fault))).deep.equal([]);
  });

  it('fits light and dark, a wide screen and a phone', async () => {
    await anHourOfLife();
    await logIn();
    await showAnn();
    await page.getByText(/live tokens?\./).waitFor();
    for (const owner of ['ann', 'bea', 'cem']) await tokens.create({ ...ANN, owner, duration: 60 });
    await tokens.deleteAll({ ...ANN, owner: 'cem' });
    await page.locator('#events tr', { hasText: 'token-revoked' }).first().waitFor();
    const looks = [
      { name: 'light', width: 1200, height: 1500, colorScheme: 'light' },
      { name: 'dark', width: 1200, height: 1500, colorScheme: 'dark' },
      { name: 'narrow', width: 390, height: 1600, colorScheme: 'light' },
    ] as const;
    const grounds = new Set<string>();
    for (const { name, width, height, colorScheme } of looks) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.evaluate('scrollTo(0, 0)');
      const [scrolls, ground] = await page.evaluate<[boolean, string]>(
        '[document.body.scrollWidth > document.documentElement.clientWidth, getComputedStyle(document.body).backgroundColor]',
      );
      expect(scrolls, `${name} has to be moved sideways`).equal(false);
      grounds.add(ground);
      if (PICTURES !== undefined) {
        mkdirSync(PICTURES, { recursive: true });
        await page.screenshot({ path: join(PICTURES, `console-${name}.png`), fullPage: name !== 'narrow' });
      }
    }
    expect(grounds.size).equal(2);
    expect(faults).deep.equal([]);
  });

  /** Tokens that come and go for an hour of the machine’s clock, which is over in a moment. */
  async function anHourOfLife(): Promise<void> {
    const clock = sinon.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ['Date'] });
    stage.history.samples.length = 0;
    const producer = new TokenProducer(stage.url, { prefix: stage.prefix });
    try {
      const made: string[] = [];
      for (let minute = 0; minute < 60; minute++) {
        const news = Math.round(3 + 2 * Math.sin(minute / 9));
        for (let i = 0; i < news; i++) {
          const type = ['session', 'session', 'api-key', 'reset'][(minute + i) % 4] as string;
          const owner = ['ann', 'bea', 'cem', 'dan'][(minute * 3 + i) % 4] as string;
          const label = ['phone', 'laptop', 'tablet'][i % 3] as string;
          const door = i % 2 === 0 ? tokens : producer;
          const { token } = await door.create({
            ...ANN,
            type,
            owner,
            label,
            hint: true,
            duration: 7_200 + 60 * i,
          });
          if (type === 'session') made.push(token);
        }
        for (let i = 0; i < minute / 45; i++) {
          const token = made.shift();
          if (token !== undefined) await tokens.delete({ app: 'shop', type: 'session', token });
        }
        await stage.history.sample();
        clock.tick(60_000);
      }
    } finally {
      await producer.close();
      clock.restore();
    }
  }
});
