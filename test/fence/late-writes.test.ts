import { describeLateWrites } from './late-write.js'
import { inMemory, onRedis, overHttp } from './places.js'

describeLateWrites('in memory', inMemory)
describeLateWrites('over HTTP', overHttp)
describeLateWrites('in Redis', onRedis)
