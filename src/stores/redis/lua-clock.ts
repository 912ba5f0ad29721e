// The parts of the scripts, in this file and its neighbours, use the names `main` (the key itself), `tokenKey`, `leases`,
// `queue`, `waiters`, `revoked`, and what they say; `mark` is the owner and a newline, as it stands in a record. Where
// KEYS and ARGV put them is said in scripts.ts.

const { raw } = String

/** Gives `time`, and as `token` the µs since 1970. As text: numbers of 16 digits are slow to make in Lua. */
export const readClock: string = raw`
local time = redis.call('TIME')
local micros = time[2]
if #micros < 6 then micros = string.sub('00000' .. micros, -6) end
local token = time[1] .. micros`

/** Needs what {@link readClock} gives. */
export const readOwner: string = raw`
local owner = string.sub(mark, 1, -2)`

export const readMillis: string = raw`
local now = math.floor(tonumber(token) / 1000)`

export const readNow: string = readClock + readMillis

/** How long a token is remembered after the lease it was granted for; later the server's clock alone has to be ahead of it. */
export const tokenStaysMs = 3_600_000

/** No token is larger: 2^53 - 2. */
export const largestToken = '9007199254740990'
