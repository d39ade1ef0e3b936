#!/usr/bin/env node
/** `sallyport mcp` as a program of its own. */
import { runBridge } from './bridge/program.ts';
import { problemOf } from './our-server.ts';

await runBridge(problemOf('gateway'));
