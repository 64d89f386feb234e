#!/usr/bin/env node
import { runCommand } from './cli/index.ts'

process.exitCode = await runCommand(process.argv.slice(2), process.env)
// An open handle must not keep a stopped server alive.
setTimeout(() => process.exit(), 1_000).unref()
