// A subscriber of ours, which hears of every event and does nothing about it.
import { TokenSubscriber } from '../peers/ours.js';
import { answer, cpuTime } from './child.js';

const subscriber = new TokenSubscriber(process.argv[2] as string);
let heard = 0;
subscriber.on('event', () => {
  heard += 1;
});
subscriber.on('error', (error) => {
  throw error;
});
await subscriber.start();
answer({ heard: () => heard, cpu: cpuTime });
