// The sweep over TLS: it comes every five seconds.
import { RedisTokens, TokenSubscriber, TokenWorker } from '../../src/index.js';
import { SecuredRedis } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };

describe('Over TLS', () => {
  const opened = new Opened();
  const secured = new SecuredRedis();

  it('what has expired is swept, and told', async () => {
    const connection = {
      host: '127.0.0.1',
      port: secured.server.port,
      tls: secured.certificates.of('client'),
    };
    const subscriber = opened.add(new TokenSubscriber(connection));
    const expired: (string | undefined)[] = [];
    subscriber.on('token-expired', ({ subject }) => expired.push(subject));
    await subscriber.start();
    const tokens = opened.add(new RedisTokens(connection));
    const { id } = await tokens.create({ ...ANN, duration: 0.05 });
    const worker = opened.add(new TokenWorker({ connection }));
    await worker.start();
    await eventually('the sweep has told of it', () => expired.includes(id), 10_000);
  });
});
