// An audit that found something fails, and one that could not be made says so instead of passing for a clean one.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { root } from '../support/sources.js';

const ADVISORY = {
  id: 1,
  url: 'https://example.org/advisory',
  title: 'It is broken',
  severity: 'low',
  vulnerable_versions: '>=0',
  cwe: [],
  cvss: { score: 1, vectorString: null },
};

describe('npm run audit', function () {
  this.timeout(30_000);
  let registry: Server;
  let answer: (asked: Record<string, unknown>) => { status: number; body?: unknown };
  let asked: Record<string, unknown>;

  before(async () => {
    registry = createServer(async (request, response) => {
      const chunks = await request.toArray();
      const body = Buffer.concat(chunks as Buffer[]);
      const isBulk = request.method === 'POST' && request.url?.endsWith('/advisories/bulk') === true;
      asked = isBulk ? JSON.parse(String(request.headers['content-encoding'] ? gunzipSync(body) : body)) : {};
      const told = isBulk ? answer(asked) : { status: 404 };
      response.writeHead(told.status, { 'content-type': 'application/json' });
      response.end(told.body === undefined ? '' : JSON.stringify(told.body));
    }).listen(0, '127.0.0.1');
    await once(registry, 'listening');
  });
  after(() => {
    registry.close();
    registry.closeAllConnections();
  });

  it('passes where there is nothing', async () => {
    answer = () => ({ status: 200, body: {} });
    const { status, stdout, stderr } = await audit();
    expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
    expect(stdout).include('Audited: 0 vulnerable packages');
    expect(asked).include.keys('bullmq', 'fastify', 'class-validator', 'ioredis');
  });

  it('fails where a package that users get is vulnerable', async () => {
    answer = () => ({ status: 200, body: { bullmq: [ADVISORY] } });
    const { status, stderr } = await audit();
    expect(status).equal(1);
    expect(stderr).match(/^low: bullmq\b.*: It is broken https:\/\/example\.org\/advisory\b/m);
  });

  it('warns where the registry answers no audits, and fails where one is required', async () => {
    answer = () => ({ status: 405 });
    const { status, stdout, stderr } = await audit();
    expect({ status, stdout }).deep.equal({ status: 0, stdout: '' });
    expect(stderr).match(/^WARNING: NOT AUDITED\. .*405/);
    const required = await audit('--required');
    expect(required.status).equal(2);
    expect(required.stderr).match(/^ERROR: NOT AUDITED\. /);
  });

  it('warns where there is no registry', async () => {
    const { stderr } = await audit('--', 'http://127.0.0.1:9');
    expect(stderr).match(/^WARNING: NOT AUDITED\. /);
  });

  function audit(argument = '--', url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`) {
    const npm = {
      npm_config_registry: url,
      npm_config_fetch_retries: '0',
      npm_config_update_notifier: 'false',
    };
    const environment = { ...process.env, ...npm };
    return new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      execFile(
        'npm',
        ['run', '--silent', 'audit', '--', ...(argument === '--' ? [] : [argument])],
        { cwd: root, env: environment },
        (error, stdout, stderr) => resolve({ status: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
  }
});
