/** `holdfast/fence`: the checking half of fencing. What is written to compares the token of the writer with the largest it has seen. */
export { StaleTokenError } from '../core/errors.js'
export { fencedFetch } from './fenced-fetch.js'
export type { FenceTable } from './fence-table.js'
export { fenceGate } from './gate.js'
export type { FenceGate, FenceGateOptions } from './gate.js'
export { guardRequests } from './guard-requests.js'
export type { GuardRequestsOptions, RequestHandler } from './guard-requests.js'
export type { Held } from './held.js'
export { mysqlFenceTable, mysqlGuard } from './mysql-guard.js'
export type { MysqlClient } from './mysql-guard.js'
export { postgresFenceTable, postgresGuard } from './postgres-guard.js'
export type { PostgresClient } from './postgres-guard.js'
export { redisGuard } from './redis-guard.js'
export type { IoredisScripts, NodeRedisScripts, RedisGuard, RedisGuardOptions, ScriptInput } from './redis-guard.js'
export type {
  Columns,
  GuardedStatement,
  SqlGuard,
  SqlGuardOptions,
  SqlValue,
  Statement,
  TokenCondition,
} from './sql.js'
export { readTokenHeader, tokenHeader, tokenHeaderName } from './token-header.js'
