export { blocking, type BlockingOptions } from './blocking.js'
