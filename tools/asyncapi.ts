// `npm run build:asyncapi`: docs/asyncapi.json, from the command classes and what is told of results and events here.
//
//   node --import tsx tools/asyncapi.ts           writes it
//   node --import tsx tools/asyncapi.ts --check   fails where it is out of step
import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getMetadataStorage } from 'class-validator';
import { LANES, type Lane, laneOf } from '../src/queue/lanes.js';
import { BATCH_COMMANDS } from '../src/queue/wire.js';
import { buildCommand, fieldsOf, OPERATIONS } from '../src/tokens/commands.js';
import type { TokenErrorCode } from '../src/tokens/errors.js';
import { REVOKERS, TOKEN_EVENT_TYPES, type TokenEventType } from '../src/tokens/events.js';
import { COMMAND_ID } from '../src/tokens/fields.js';
import { GUESSING_SUSPECTED } from '../src/tokens/guessing.js';
import { ID_PATTERN } from '../src/tokens/identity.js';
import type { Operation } from '../src/tokens/operations.js';

const root = join(import.meta.dirname, '..');
const file = join(root, 'docs/asyncapi.json');

type Schema = Record<string, unknown>;

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const schemaName = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

const TEXT = { type: 'string' };
const ID = { type: 'string', pattern: ID_PATTERN.source };
const COUNT = { type: 'integer', minimum: 0 };
const MILLISECONDS = { type: 'integer', description: 'Epoch milliseconds.' };

/** Codes that a result may tell; the others are a caller's own to meet. */
const CODES: readonly TokenErrorCode[] = [
  ...([
    'VALIDATION',
    'TOKEN_EXISTS',
    'TOKEN_REVOKED',
    'LIMIT_EXCEEDED',
    'VERSION_CONFLICT',
    'NOT_REPLICATED',
  ] as const),
  ...(['COMMAND_EXPIRED', 'COMMAND_FAILED', 'STORE_UNAVAILABLE'] as const),
];

const object = (properties: Schema, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
});

/** A command as its class says, field by field: what it can not do without has no default there. */
function commandSchema(op: Operation): Schema {
  const command = buildCommand(op, {}) as unknown as Record<string, unknown>;
  const rules = getMetadataStorage().getTargetValidationMetadatas(command.constructor, '', false, false);
  const properties: Schema = { commandId: { type: 'string', pattern: COMMAND_ID.source }, op: { const: op } };
  const required = ['commandId', 'op'];
  for (const field of fieldsOf(op)) {
    const rule = rules.find(({ propertyName }) => propertyName === field);
    if (!rule) throw new Error(`${op}: ${field} has no rule`);
    const [schema] = rule.constraints as [Schema];
    const fallback = command[field];
    properties[field] = fallback === undefined ? schema : { ...schema, default: fallback };
    const [constraint] = getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls);
    if (fallback === undefined && constraint?.instance.validate(undefined) !== true) required.push(field);
  }
  return { type: 'object', properties, required, additionalProperties: false };
}

const RECORD = object(
  {
    ...{
      id: ID,
      app: TEXT,
      type: TEXT,
      owner: TEXT,
      data: { type: 'object' },
      version: { type: 'integer', minimum: 1 },
    },
    ...{ createdAt: MILLISECONDS, expiresAt: MILLISECONDS },
    ...{ hint: TEXT, label: TEXT, idle: { type: 'number', description: 'Seconds.' } },
    ...{ lastUsedAt: MILLISECONDS, absoluteExpiresAt: MILLISECONDS },
  },
  ['id', 'app', 'type', 'owner', 'data', 'version', 'createdAt', 'expiresAt'],
);

const PAGE = object(
  { owners: { type: 'array', items: object({ owner: TEXT, count: COUNT }) }, cursor: TEXT },
  ['owners'],
);

/** What an operation's result has as its value; `absent` where it may have none. */
const VALUES: Record<Operation, { value: Schema; absent?: true }> = {
  create: { value: ref('Record') },
  get: { value: ref('Record'), absent: true },
  update: { value: ref('Record'), absent: true },
  refresh: { value: ref('Record'), absent: true },
  rotate: { value: { allOf: [ref('Record'), object({ nonce: TEXT })] }, absent: true },
  delete: { value: { type: 'boolean' } },
  deleteAll: { value: COUNT },
  consume: { value: ref('Record'), absent: true },
  getById: { value: ref('Record'), absent: true },
  deleteById: { value: { type: 'boolean' } },
  deleteScope: { value: COUNT },
  deleteApp: { value: COUNT },
  list: { value: { type: 'array', items: ref('Record') } },
  count: { value: COUNT },
  owners: { value: PAGE },
};

const completed = (op: Operation): Schema => {
  const { value, absent } = VALUES[op];
  const required = ['commandId', 'op', 'status', ...(absent ? [] : ['value'])];
  return object({ commandId: TEXT, op: { const: op }, status: { const: 'completed' }, value }, required);
};

const FAILED = object({
  ...{ commandId: TEXT, op: TEXT, status: { const: 'failed' } },
  error: object({ code: { enum: CODES }, message: TEXT, details: { type: 'object' } }, ['code', 'message']),
});

const jobSchema = (lane: Lane): Schema =>
  object(
    {
      v: { const: 1 },
      replyTo: {
        oneOf: [
          { type: 'null' },
          { type: 'string', pattern: '^[A-Za-z0-9_-]{1,32}:results:[A-Za-z0-9_-]{1,64}$' },
        ],
      },
      commands: {
        type: 'array',
        minItems: 1,
        maxItems: BATCH_COMMANDS,
        items: { oneOf: OPERATIONS.filter((op) => laneOf(op) === lane).map((op) => ref(schemaName(op))) },
      },
    },
    ['v', 'commands'],
  );

/** What the data of an event has besides app, type and owner. */
const TOLD: Record<TokenEventType, { required: string[]; optional: string[] }> = {
  'token-created': { required: ['version'], optional: ['commandId'] },
  'token-updated': { required: ['version'], optional: ['commandId'] },
  'token-refreshed': { required: ['version'], optional: ['commandId'] },
  'token-rotated': { required: ['version', 'successor'], optional: ['commandId'] },
  'token-resealed': { required: ['version', 'successor'], optional: ['commandId'] },
  'token-reused': { required: ['version'], optional: ['commandId'] },
  'token-revoked': { required: ['version', 'reason'], optional: ['by', 'commandId'] },
  'token-expired': { required: [], optional: [] },
};

const TOLD_SCHEMAS: Schema = {
  version: { type: 'integer', minimum: 1 },
  successor: ID,
  reason: { ...TEXT, minLength: 1, maxLength: 64 },
  by: { enum: REVOKERS },
  commandId: TEXT,
};

const TIME = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' };

function eventSchema(type: TokenEventType): Schema {
  const { required, optional } = TOLD[type];
  const told = Object.fromEntries([...required, ...optional].map((name) => [name, TOLD_SCHEMAS[name]]));
  const data = object({ app: TEXT, type: TEXT, owner: TEXT, ...told }, ['app', 'type', 'owner', ...required]);
  return object({
    ...{ specversion: { const: '1.0' }, id: { type: 'string', pattern: '^\\d+-\\d+-\\d+$' } },
    ...{ source: { const: 'redis-tokens' }, type: { const: type }, subject: ID },
    time: TIME,
    data: { ...data, additionalProperties: false },
  });
}

/** It is no event of a token, and in no log. */
const SUSPICION = object({
  ...{ specversion: { const: '1.0' }, id: { type: 'string', format: 'uuid' } },
  ...{ source: { const: 'redis-tokens' }, type: { const: GUESSING_SUSPECTED } },
  time: TIME,
  data: {
    ...object({
      app: TEXT,
      type: TEXT,
      client: TEXT,
      misses: { type: 'integer', minimum: 1 },
      window: COUNT,
    }),
    additionalProperties: false,
  },
});

/** All that is published on channels of events. */
const PUBLISHED = [...TOKEN_EVENT_TYPES, GUESSING_SUSPECTED] as const;

const eventName = (type: (typeof PUBLISHED)[number]): string => type.split('-').map(schemaName).join('');
const jobName = (lane: Lane): string => `${schemaName(lane)}Job`;
const message = (name: string): Schema => ({ $ref: `#/components/messages/${name}` });
const json = (name: string, title: string): Schema => ({
  ...{ name, title, contentType: 'application/json', payload: ref(name) },
});

/** The document as it should stand on disk. */
export function asyncApi(): Schema {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const queue = (lane: Lane): Schema => ({
    address: lane,
    title: `The queue of ${lane}`,
    description:
      'A BullMQ queue. `rt` stands for the prefix of the deployment. See docs/wire.md for what a job needs besides its data.',
    messages: { job: message(jobName(lane)) },
    'x-bullmq': { queue: lane, prefix: '{rt}', operations: OPERATIONS.filter((op) => laneOf(op) === lane) },
  });
  const receives = (lane: Lane): Schema => ({
    action: 'receive',
    channel: { $ref: `#/channels/${lane}` },
    messages: [{ $ref: `#/channels/${lane}/messages/job` }],
    reply: { channel: { $ref: '#/channels/results' }, address: { location: '$message.payload#/replyTo' } },
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'redis-tokens',
      version,
      description:
        'Commands on BullMQ queues, their results, and the lifecycle events of tokens. docs/wire.md tells it in words.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      ...Object.fromEntries(LANES.map((lane) => [lane, queue(lane)])),
      results: {
        address: 'rt:results:{source}',
        title: 'Results of commands, by pub/sub',
        parameters: {
          source: { description: 'What the job’s `replyTo` ends with: 1–64 of A–Z a–z 0–9 _ -' },
        },
        messages: { result: message('JobResult') },
      },
      events: {
        address: 'rt:events:{event}:{app}:{type}',
        title: 'What happens to tokens, by pub/sub',
        description:
          'App and type are percent-encoded. The same events, without their `id`, are in the field `event` of the stream `{rt:S}:log`, but for guessing-suspected.',
        parameters: {
          event: { enum: PUBLISHED, description: 'The type of event.' },
          app: { description: 'The application.' },
          type: { description: 'The type of token.' },
        },
        messages: Object.fromEntries(PUBLISHED.map((type) => [type, message(eventName(type))])),
      },
    },
    operations: {
      ...Object.fromEntries(LANES.map((lane) => [`run${schemaName(lane)}`, receives(lane)])),
      answer: { action: 'send', channel: { $ref: '#/channels/results' } },
      tell: { action: 'send', channel: { $ref: '#/channels/events' } },
    },
    components: {
      messages: {
        ...Object.fromEntries(
          LANES.map((lane) => [jobName(lane), json(jobName(lane), `A job of the queue ${lane}`)]),
        ),
        JobResult: json('JobResult', 'What came of a job’s commands'),
        ...Object.fromEntries(PUBLISHED.map((type) => [eventName(type), json(eventName(type), type)])),
      },
      schemas: {
        ...Object.fromEntries(LANES.map((lane) => [jobName(lane), jobSchema(lane)])),
        ...Object.fromEntries(OPERATIONS.map((op) => [schemaName(op), commandSchema(op)])),
        JobResult: object({
          ...{ v: { const: 1 }, jobId: TEXT },
          results: { type: 'array', items: { oneOf: [...OPERATIONS.map(completed), FAILED] } },
        }),
        Record: RECORD,
        ...Object.fromEntries(TOKEN_EVENT_TYPES.map((type) => [eventName(type), eventSchema(type)])),
        [eventName(GUESSING_SUSPECTED)]: SUSPICION,
      },
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const text = `${JSON.stringify(asyncApi(), null, 2)}\n`;
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/asyncapi.json is out of step with the command classes: npm run build:asyncapi');
    process.exitCode = 1;
  }
}
