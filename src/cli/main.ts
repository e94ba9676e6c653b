#!/usr/bin/env node
/** The `redis-tokens` command: where a process begins and its exit status is set. */
import 'reflect-metadata';
import { endsByItself } from './broken-pipe.js';
import { runCommand } from './program.js';

endsByItself();
process.exitCode = await runCommand(process.argv.slice(2));
