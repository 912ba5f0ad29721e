/** `holdfast/testing`: for tests of stores, and of programs that use locks. */
export type { ContractSubject, OptionalPart } from './contract/subject.js'
export { faulty } from './faulty.js'
export type { Fault, FaultyCall, FaultyOptions, FaultyStore, Operation } from './faulty.js'
export { storeContract } from './store-contract.js'
export type { ContractCase, ContractOptions } from './store-contract.js'
export { virtualEnv } from './virtual-env.js'
export type { VirtualEnv, VirtualEnvOptions } from './virtual-env.js'
