/** All that a connector author sees. There is no credential here: a stream arrives already signed in. */
export { ask, type AskKind, type Question, type Questions } from './ask.ts';
export { defineConnector, defineTool, type Connector, type ConnectorLog, type ConnectorOf } from './connector.ts';
export type { Call, Log, LogLevel, Tool, ToolOf } from './connector.ts';
export { createAggregate, type Aggregate, type Measure, type Measured } from './aggregate.ts';
export { pathSegment, type FetchRequest, type FetchResponse } from './http.ts';
export { line, type Line } from './line.ts';
export type { AnyTool, DestinationTypes, ManifestTypes, ToolTypes } from './manifest-types.ts';
export { collect, paginate, type Page, type PageLimits } from './paginate.ts';
export { restTools } from './rest.ts';
export type { RestManifest, RestOperation, RestPages, RestPageSize, RestParameter } from './rest-operation.ts';
export { rows, type Column, type Rows, type RowsResult } from './rows.ts';
export { ConnectorRefusal, isConnectorRefusal, refuse, type ConnectorCode } from './refusal.ts';
