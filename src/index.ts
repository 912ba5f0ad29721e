export type { Duration } from './core/duration.js'
export type { Env } from './core/env.js'
export {
  DeadlockError,
  HoldfastError,
  InvalidKeyError,
  InvalidOptionError,
  KeyTemplateError,
  LockedError,
  LockLostError,
  LockTimeoutError,
  NotConfiguredError,
  PoolFullError,
  StaleTokenError,
  StoreError,
  SyncUnsupportedError,
  TooManyWaitersError,
  type EndCode,
  type ErrorCode,
  type HeldBy,
  type Outcome,
} from './core/errors.js'
export type { Lease, SyncLease } from './core/lease.js'
export type { Holder, Inspection, WaiterInfo } from './features/query.js'
export type {
  AcquireRequest,
  Answer,
  AnswerToAll,
  AnyStore,
  Capabilities,
  Handoff,
  HolderInfo,
  HolderRecord,
  KeptValue,
  KeyPage,
  KeyRecord,
  Mode,
  NewValue,
  Notice,
  NoticeListener,
  Store,
  SyncStore,
  ValuesOf,
  WaiterRecord,
} from './core/store.js'
export type { Logger, TraceEvents } from './core/trace.js'
export type { CachedOptions } from './features/cached-options.js'
export type { Cached, CachedCalls, CachedFunction, CachedWrapper, KeyedCachedWrapper } from './features/cached-types.js'
export type { Codec } from './features/codec.js'
export {
  cached,
  close,
  configure,
  createHoldfast,
  lock,
  once,
  pool,
  rwLock,
  type Holdfast,
} from './features/holdfast.js'
export type { Once, OnceFunction, OnceOptions } from './features/once-types.js'
export type { Pool, PoolFunction, PoolOptions } from './features/pool-types.js'
export type {
  ReadLease,
  ReadLock,
  RwLock,
  RwLockFunction,
  SyncReadLease,
  SyncWriteLease,
  WriteLease,
  WriteLock,
} from './features/rw-lock.js'
export type { CloseOptions } from './features/drain.js'
export { localLock, type LocalLock, type LocalLockOptions } from './features/local-lock.js'
export type { AsyncLock, KeyedWrapper, Lock, LockFunction, SyncLock, Wrapped, Wrapper } from './features/lock-types.js'
export type { MultiLease, SyncMultiLease } from './features/multi-lease.js'
export type {
  AsyncMultiLock,
  KeyedMultiWrapper,
  MultiLock,
  MultiWrapped,
  MultiWrapper,
  SyncMultiLock,
} from './features/multi-types.js'
export type { HoldfastOptions, LockOptions, StoreSpec } from './features/options.js'
export { memory, type MemoryOptions } from './stores/memory/memory.js'
