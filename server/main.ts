#!/usr/bin/env node
import { runCommand } from './cli/index.ts'

process.exitCode = await runCommand(process.argv.slice(2), process.env)
// An open handle must not prevent a stopped server from exiting.
setTimeout(() => process.exit(), 1_000).unref()
