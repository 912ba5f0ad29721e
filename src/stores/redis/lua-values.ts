import { readClock } from './lua-clock.js'

const { raw } = String

/** Needs `value`. { the value, ms until it ends }, or nothing. */
export const getValue: string = raw`
local text = redis.call('GET', value)
return text and {text, redis.call('PTTL', value)}`

/**
 * Needs `value`, `tokenKey`, `token`, `text`, `lastsMs` (empty: for ever). 0: what stands there has a larger token, or the lock was
 * granted, or the value deleted, since: what came of that may have ended already.
 */
export const setValue: string = raw`
local granted = tonumber(redis.pcall('GET', tokenKey))
if granted and granted > tonumber(token) then return 0 end
local before = redis.pcall('GETRANGE', value, 0, 16)
local last = type(before) == 'string' and tonumber(string.match(before, '^%d+'))
if last and last > tonumber(token) and last <= 9007199254740991 then return 0 end
if lastsMs == '' then redis.call('SET', value, text) else redis.call('SET', value, text, 'PX', lastsMs) end
return 1`

/**
 * Needs `value`, `tokenKey`, `tokenTtl`. Leaves a token in place of the value, larger than all that were granted, where one was
 * granted so lately that somebody may still be computing. The newline behind the last token says that somebody may wait.
 */
export const deleteValue: string = raw`
local before = redis.pcall('GETRANGE', value, 0, 17)
local had = type(before) ~= 'string' or string.find(before, '\n', 1, true)
local last = redis.pcall('GET', tokenKey)
if type(last) ~= 'string' then
  if had then redis.call('DEL', value) end
  return had and 1 or 0
end
${readClock}
local number = tonumber(last)
if number and number >= tonumber(token) then token = string.format('%d', number + 1) end
redis.call('SET', tokenKey, token .. (string.byte(last, -1) == 10 and '\n' or ''), 'PX', tokenTtl)
redis.call('SET', value, token, 'PX', tokenTtl)
return had and 1 or 0`
