/** The command line: which commands and options there are, and what runs them. */
import { Argument, Command, CommanderError, Option } from 'commander';
import { LANES } from '../queue/lanes.js';
import { ROLES } from '../service/acl/roles.js';
import { packageVersion } from '../service/package-version.js';
import { printable } from '../service/printable.js';
import {
  type GivenSettings,
  type ReadSettings,
  readSettings,
  SETTINGS,
  type SettingName,
  type Settings,
  tokenOptions,
} from '../service/settings.js';
import { shownSettings } from '../service/shown-settings.js';
import { TOKEN_EVENT_TYPES } from '../tokens/events.js';
import { ACL_FORMS, type AclOptions, runAcl } from './acl.js';
import { completionScript, SHELLS, type Shell } from './completion/script.js';
import { type DeadLetterAction, type DeadLetterOptions, runDeadLetters } from './dead-letters.js';
import { type DoctorOptions, runDoctor } from './doctor.js';
import { type EventsOptions, runEvents } from './events.js';
import { addExamples } from './examples.js';
import { DONE, EXIT_STATUS_HELP, exitStatusOf, NOT_FOUND } from './exit-status.js';
import { tellFailure } from './failure.js';
import { DURATION_FORMS, FIELDS, type Field, isArgument, optionOf } from './fields.js';
import { type MigrateOptions, runMigrate } from './migrate.js';
import { runMigrateLayout } from './migrate-layout.js';
import { OPERATION_COMMANDS, type OperationCommand, tellToken } from './operations.js';
import { Output, paint, properties } from './output.js';
import { type QueueAction, type QueueOptions, runQueue } from './queue.js';
import { runOperation } from './run-operation.js';
import { runStats } from './stats.js';
import { UsageError } from './usage-error.js';
import { WATCHED_TYPES, type WatchOptions, watch } from './watch.js';

type Options = Record<string, string | boolean | undefined>;

/** What a command's action is given. */
interface Call {
  /** Its own options. */
  options: Options;
  /** What it takes besides options. */
  args: readonly string[];
  settings: Settings;
  /** What each of them was given by. */
  from: ReadSettings['from'];
  output: Output;
}

/** What is known of a command's run besides its output. */
interface Outcome {
  status: number;
  /** The settings that were given on the command line. */
  given: GivenSettings;
}

/** Runs a command to its end. @returns the exit status. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const outcome: Outcome = { status: DONE, given: {} };
  const program = createProgram(outcome);
  try {
    await program.parseAsync(args, { from: 'user' });
    return outcome.status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return DONE; // --help, --version
    // Where the arguments could not be read, neither could --json.
    const json = program.opts().json === true || args.includes('--json');
    if (!isHelp(error)) tellFailure(error, json, outcome.given);
    return exitStatusOf(error);
  }
}

/** @param outcome is filled in by the command that runs. */
export function createProgram(outcome: Outcome = { status: DONE, given: {} }): Command {
  const program = new Command('redis-tokens')
    .description(
      'Create, read, refresh, update and revoke opaque tokens in Redis, and hear of every revocation at once.',
    )
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ outputError: () => {} }) // told by tellFailure
    .configureHelp({ styleTitle: (title) => paint('bold', title) })
    .addHelpText('after', `${PEPPER_HELP}\n${EXIT_STATUS_HELP}`);
  for (const name of [
    'connection',
    'tlsCa',
    'tlsCert',
    'tlsKey',
    'prefix',
    'shards',
    'partitions',
    'tokenPrefix',
    'timeout',
  ] as const) {
    program.addOption(settingOption(name));
  }
  program.option('--json', 'print JSON');

  const add = (command: Command, run: (call: Call) => Promise<number>) =>
    command.action(async (...received: unknown[]) => {
      const first = command.registeredArguments.length > 0 ? [received[0]].flat() : [];
      const args = first.filter((arg) => arg !== undefined) as string[];
      // The worker's own settings stand among its command's options.
      const options = command.opts() as Options;
      const { json } = program.opts() as Options;
      outcome.given = givenSettings({ ...options, ...program.opts() });
      const read = readSettings(outcome.given);
      outcome.status = await run({ options, args, ...read, output: new Output(json === true) });
    });

  addWorker(program, add);
  for (const row of OPERATION_COMMANDS) addOperation(program, row, add);
  addWatch(program, add);
  addEvents(program, add);
  addConfig(program, add);
  addHealth(program, add);
  addStats(program, add);
  addQueue(program, add);
  addDeadLetters(program, add);
  addDoctor(program, add);
  addMigrate(program, add);
  addMigrateLayout(program, add);
  addAcl(program, add);
  addCompletion(program);
  return program;
}

type Add = (command: Command, run: (call: Call) => Promise<number>) => void;

function addWorker(program: Command, add: Add): void {
  const command = program
    .command('worker')
    .description('run commands from the queues, until SIGTERM or Ctrl-C');
  addWorkerSettings(command);
  addExamples(command, ['worker', 'worker --concurrency 64 --http-host 0.0.0.0']);
  add(command, async ({ settings, from }) => {
    const { runWorker } = await import('../service/worker-process.js'); // only where it is needed: BullMQ and Inversify
    await runWorker(settings, from);
    return DONE;
  });
}

/** Those that a worker has besides everybody's. */
function addWorkerSettings(command: Command): void {
  for (const name of ['concurrency', 'closeTimeout', 'httpPort', 'httpHost', 'log'] as const) {
    command.addOption(settingOption(name));
  }
}

function addOperation(
  program: Command,
  { operation, name, help, examples, fields, byId, asks, makesToken, toInput, tell }: OperationCommand,
  add: Add,
): void {
  const command = addExamples(program.command(name).description(help), examples);
  for (const field of fields) {
    if (!isArgument(field)) command.addOption(optionOf(field));
    else command.argument(byId ? `[${field}]` : FIELDS[field].flags, FIELDS[field].help);
  }
  const more: readonly Field[] = byId ? ['id', ...byId.fields] : [];
  for (const field of more) command.addOption(optionOf(field));
  if (asks) command.option('--yes', 'do it: without this nothing is done');
  command.option('--queue', 'send it as a command to a worker, and wait for the result');
  if (makesToken) command.option('--token-only', 'print the token alone, as - reads it from standard input');
  add(command, async ({ options, args, settings, output }) => {
    const input: Partial<Record<Field, unknown>> = {};
    if (asks && options.yes !== true) throw new UsageError(`${name} ends the tokens of many: it needs --yes`);
    const isById = options.id !== undefined;
    if (byId && isById === (args[0] !== undefined))
      throw new UsageError(`${name} needs a token, or --id in place of it`);
    const stray = more.find((field) => !isById && !fields.includes(field) && options[field] !== undefined);
    if (stray) throw new UsageError(`--${stray} goes with --id only`);
    for (const field of isById ? [...more, ...fields.filter((field) => !isArgument(field))] : fields) {
      const given = isArgument(field) ? args[0] : options[optionOf(field).attributeName()];
      if (typeof given === 'boolean') input[field] = given;
      else if (given !== undefined) input[field] = await FIELDS[field].read(given as string);
    }
    const meant = isById && byId ? byId.operation : operation;
    const result = await runOperation(
      meant,
      toInput ? toInput(input) : input,
      settings,
      options.queue === true,
      output,
    );
    return (options.tokenOnly === true ? tellToken : tell)(result, output, input);
  });
}

function addWatch(program: Command, add: Add): void {
  const command = program.command('watch').description('print events as they happen, until Ctrl-C');
  addExamples(command, ['watch --app shop --event token-revoked token-reused --since 15m', 'watch --json']);
  addEventFilter(command, WATCHED_TYPES).option(
    '--since <time>',
    `first what happened in so long: ${DURATION_FORMS}`,
  );
  add(command, async ({ options, settings, output }) => {
    await watch(options as WatchOptions, settings, output);
    return DONE;
  });
}

function addEvents(program: Command, add: Add): void {
  const command = program
    .command('events')
    .description('print the events that there were, from the log, and end');
  addExamples(command, [
    'events --since 1h --event token-revoked',
    'events --app shop --owner ann --limit 20',
    'events --since 7d --json > events.jsonl',
  ]);
  addEventFilter(command)
    .option('--since <time>', `how far back (default: all that the log holds): ${DURATION_FORMS}`)
    .option('--limit <count>', 'the newest, so many at most (default: all)');
  add(command, ({ options, settings, output }) => runEvents(options as EventsOptions, settings, output));
}

function addEventFilter(command: Command, types: readonly string[] = TOKEN_EVENT_TYPES): Command {
  for (const field of ['app', 'type', 'owner'] as const) {
    command.option(FIELDS[field].flags, `only events of this ${field}`);
  }
  return command.addOption(new Option('--event <type...>', 'only these').choices(types));
}

function addConfig(program: Command, add: Add): void {
  const command = program
    .command('config')
    .description('print the settings, without secrets, and where each was given; those of a worker, too');
  addWorkerSettings(command);
  addExamples(command, ['config', 'config --json']);
  add(command, async ({ settings, from, output }) => {
    const shown = shownSettings({ settings, from });
    output.result(shown, () =>
      properties(
        Object.entries(shown).map(([name, { value, from }]) => [name, printable(String(value)) || '-', from]),
      ),
    );
    return DONE;
  });
}

function addHealth(program: Command, add: Add): void {
  const command = program
    .command('health')
    .description('tell whether Redis answers and each queue has a worker connected')
    .option('--here', 'count only workers at the address that this process has, as in the same container');
  addExamples(command, ['health', 'health --here']);
  add(command, async ({ options, settings, output }) => {
    const { checkHealth } = await import('../service/health.js');
    const health = await checkHealth(settings.connection, tokenOptions(settings), options.here === true);
    const { commands, revocations } = health.workers;
    output.result(
      health,
      () =>
        `${health.healthy ? paint('green', 'healthy') : paint('red', 'no worker')}: commands ${commands}, revocations ${revocations}`,
    );
    return health.healthy ? DONE : NOT_FOUND;
  });
}

function addStats(program: Command, add: Add): void {
  const command = program
    .command('stats')
    .description('how many tokens there are, by scope, and how the queues stand');
  addExamples(command, ['stats', 'stats --json']);
  add(command, ({ settings, output }) => runStats(settings, output));
}

function addQueue(program: Command, add: Add): void {
  const parent = program
    .command('queue')
    .description('how the queues stand, and whether their jobs are taken');
  addExamples(parent, ['queue', 'queue pause --lane commands', 'queue resume']);
  const addAction = (action: QueueAction, help: string, example: string, isDefault = false) => {
    const command = parent.command(action, { isDefault }).description(help).exitOverride();
    addExamples(command, [example]);
    command.addOption(new Option('--lane <lane>', 'only of this queue (default: both)').choices(LANES));
    add(command, ({ options, settings, output }) =>
      runQueue(action, options as QueueOptions, settings, output),
    );
  };
  addAction(
    'show',
    'workers, jobs that wait and how long the oldest has, jobs under way, dead letters',
    'queue show --lane revocations --json',
    true,
  );
  addAction(
    'pause',
    'let workers take no more jobs; revocations wait as well, unless --lane says otherwise',
    'queue pause --lane commands',
  );
  addAction('resume', 'let workers take jobs again', 'queue resume');
}

function addDeadLetters(program: Command, add: Add): void {
  const parent = program.command('dead-letters').description('jobs that failed for good');
  addExamples(parent, ['dead-letters list', 'dead-letters show j-3u5PcxLk', 'dead-letters retry --all']);
  const addAction = (action: DeadLetterAction, usage: string, help: string, examples: readonly string[]) => {
    const command = parent.command(usage).description(help).exitOverride();
    addExamples(command, examples);
    command.addOption(new Option('--lane <lane>', 'only of this queue (default: both)').choices(LANES));
    if (action === 'list') command.option('--limit <count>', 'how many at most (default: 50)');
    if (action === 'retry' || action === 'drop') command.option('--all', 'every one that there is now');
    add(command, ({ options, args, settings, output }) =>
      runDeadLetters(action, args, options as DeadLetterOptions, settings, output),
    );
  };
  addAction('list', 'list', 'the newest first, with what they failed for', [
    'dead-letters list --lane commands --limit 10',
  ]);
  addAction('show', 'show <job>', 'one with its commands, and what whoever waited was told', [
    'dead-letters show j-3u5PcxLk',
  ]);
  addAction(
    'retry',
    'retry [jobs...]',
    'run again what was not applied; what has become too old is refused',
    ['dead-letters retry j-3u5PcxLk', 'dead-letters retry --all'],
  );
  addAction('drop', 'drop [jobs...]', 'forget them', [
    'dead-letters drop j-3u5PcxLk',
    'dead-letters drop --all --lane commands',
  ]);
}

function addMigrateLayout(program: Command, add: Add): void {
  const command = program
    .command('migrate-layout')
    .description(
      'bring what an older redis-tokens left in Redis up to date; stop all else that uses it before',
    );
  addExamples(command, ['migrate-layout']);
  add(command, ({ settings, output }) => runMigrateLayout(settings, output));
}

function addDoctor(program: Command, add: Add): void {
  const command = program
    .command('doctor')
    .description('hold every index against the records, and tell what is wrong; others may go on meanwhile')
    .option('--fix', 'repair it');
  addExamples(command, ['doctor', 'doctor --fix', 'doctor --json']);
  add(command, ({ options, settings, output }) => runDoctor(options as DoctorOptions, settings, output));
}

function addMigrate(program: Command, add: Add): void {
  const from = new Option('--from <url>', 'Redis with the old tokens').env('REDIS_TOKENS_MIGRATE_FROM');
  const command = program
    .command('migrate')
    .description('move the tokens of redis-tokens 0.0 here; clients keep theirs, and it can be run again')
    .addOption(from.makeOptionMandatory())
    .option('--dry-run', 'write nothing, and tell what would be moved')
    .option('--delete', 'remove each old token that is here for sure: once nothing uses redis-tokens 0.0')
    .option(
      '--duration <time>',
      `how long those live that never expire (default: they stay): ${DURATION_FORMS}`,
    )
    .exitOverride();
  addExamples(command, [
    'migrate --from redis://old:6379 --dry-run',
    'migrate --from redis://old:6379 --delete',
  ]);
  add(command, ({ options, settings, output }) =>
    runMigrate(options as unknown as MigrateOptions, settings, output),
  );
}

function addAcl(program: Command, add: Add): void {
  const command = program
    .command('acl')
    .description(
      'print users for Redis that may do what each role needs, and no more; nothing is asked or changed',
    )
    .addOption(new Option('--role <role>', 'only this one (default: each of them)').choices(ROLES))
    .option('--user <name>', 'what it is called (default: <prefix>-<role>)')
    .option('--password-hash <sha256>', 'of its password (default: a place to fill it in)')
    .option(
      '--cache',
      'let reader and application use the option cache; it tells the names of keys of others, too',
    )
    .addOption(
      new Option('--as <form>', 'a line of an aclfile, or a command for redis-cli').choices(ACL_FORMS),
    );
  addExamples(command, [
    'acl > users.acl',
    'acl --role producer --user checkout',
    'acl --role reader --cache --as setuser',
  ]);
  add(command, async ({ options, settings, output }) => runAcl(options as AclOptions, settings, output));
}

/** It reads no settings: those of another folder must not keep a shell from starting. */
function addCompletion(program: Command): void {
  const command = program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => void process.stdout.write(completionScript(program, shell)));
  addExamples(command, ['completion bash', 'completion fish > redis-tokens.fish']);
}

const SETTING_HELP: Partial<Record<SettingName, { takes: string; help: string }>> = {
  connection: {
    takes: '<url>',
    help: 'Redis, by default redis://localhost:6379; a Cluster: redis-cluster://host:port,host:port',
  },
  tlsCa: {
    takes: '<file>',
    help: 'authorities to trust where that is rediss://, by default those of Node.js',
  },
  tlsCert: { takes: '<file>', help: "this client's certificate, where Redis asks for one" },
  tlsKey: { takes: '<file>', help: 'and its key' },
  prefix: { takes: '<prefix>', help: 'what every key, queue and channel starts with, by default rt' },
  shards: {
    takes: '<count>',
    help: 'over how many hash slots the tokens are spread, by default 1, on a Cluster 16',
  },
  partitions: {
    takes: '<count>',
    help: 'over how many queues the commands of each lane are spread, by default 1, on a Cluster 4',
  },
  tokenPrefix: { takes: '<prefix>', help: 'what generated tokens start with, by default rt_' },
  timeout: { takes: '<ms>', help: 'milliseconds after which an operation gives up, by default 5000' },
  concurrency: { takes: '<count>', help: 'jobs run at a time on each queue, by default 32' },
  closeTimeout: {
    takes: '<ms>',
    help: 'milliseconds to wait for jobs under way at the end, by default 10000',
  },
  httpPort: {
    takes: '<port>',
    help: 'of health, metrics and console, by default 7379; 0 is a free one, off is none',
  },
  httpHost: { takes: '<address>', help: 'where that listens, by default 127.0.0.1' },
  log: { takes: '<format>', help: 'json, text, or auto: text on a terminal, else json' },
};

const PEPPER_HELP = `
In parentheses: the environment variable that stands for an option. REDIS_TOKENS_MAX_DATA_BYTES,
REDIS_TOKENS_MAX_COMMAND_AGE (milliseconds), REDIS_TOKENS_TOUCH_EVERY (a share) and REDIS_TOKENS_DURABILITY_… have no
option. Nor has the pepper: it is a key, and arguments can be seen by other users of this machine. It is given by
REDIS_TOKENS_PEPPER, or several by REDIS_TOKENS_PEPPERS or a file, REDIS_TOKENS_PEPPER_FILE.`;

/** No default is set here: an option that was not given leaves the environment and the config files their say. */
function settingOption(name: SettingName): Option {
  const { flag, variable } = SETTINGS[name];
  const { takes, help } = SETTING_HELP[name] ?? { takes: '<value>', help: name };
  return new Option(`${flag} ${takes}`, `${help} (${variable})`);
}

function givenSettings(options: Options): GivenSettings {
  const given: GivenSettings = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const value =
      SETTINGS[name].flag === undefined ? undefined : options[settingOption(name).attributeName()];
    if (typeof value === 'string') given[name] = value;
  }
  return given;
}

/** Commander's way of saying that help was shown because no command was given. */
const isHelp = (error: unknown): boolean =>
  error instanceof CommanderError && error.code === 'commander.help';
