// Each part below is the body of a function: it uses the names `main` (the key itself), `tokenKey`, `leases`, `revoked`,
// and what it says; `mark` is the owner and a newline, as it stands in a record. Where KEYS and ARGV put them is said in
// scripts.ts.
//
// A mutex is a string (record.ts). A pool is a hash: #limit, #used, and owner → permits \n record; `leases` is a sorted
// set owner → end of its lease, in ms of the server's clock. Both expire with the longest lease.

const { raw } = String

/** How long, at least, it is remembered whom a forced release ended. */
const revokedStaysMs = 60_000

/** Gives `time`, and as `token` the µs since 1970. As text: numbers of 16 digits are slow to make in Lua. */
const readClock = raw`
local time = redis.call('TIME')
local micros = time[2]
if #micros < 6 then micros = string.sub('00000' .. micros, -6) end
local token = time[1] .. micros`

const readNow = raw`
${readClock}
local now = math.floor(tonumber(token) / 1000)`

/**
 * Remembers `token` with `tokenTtl`. Where the clock is behind the last token, `token` becomes last + 1. Redis before 6.2
 * does not know SET … GET. `undo` is what to take back when even the other way fails.
 */
const rememberToken = (undo: string): string => raw`
local last = redis.pcall('SET', tokenKey, token, 'PX', tokenTtl, 'GET')
if type(last) == 'table' then
  last = redis.pcall('GETSET', tokenKey, token)
  if type(last) == 'table' then ${undo} return last end
  redis.call('PEXPIRE', tokenKey, tokenTtl)
end
local behind = false
if last and (#last ~= #token or last >= token) then
  last = tonumber(last)
  behind = last and last >= tonumber(token) and last < 9007199254740990
  if behind then
    token = string.format('%.0f', last + 1)
    redis.call('SET', tokenKey, token, 'PX', tokenTtl)
  end
end`

/**
 * Needs `mark`, `ttl`, `tokenTtl`, `tail`. A token, or { ms until it is free, record }, or { '#limit', its limit }.
 * SET comes before GET: most keys are free, and a replica says that it is one in place of what it last heard.
 */
export const acquireMutex: string = raw`
${readClock}
if redis.call('SET', main, mark .. token .. '\n' .. tail, 'PX', ttl, 'NX') then
  ${rememberToken("redis.call('DEL', main)")}
  if behind then redis.call('SET', main, mark .. token .. '\n' .. tail, 'PX', ttl) end
  return token
end
local value = redis.pcall('GET', main)
if type(value) == 'string' then
  local leftMs = redis.call('PTTL', main)
  if string.find(value, mark, 1, true) ~= 1 then return {leftMs, value} end
  if leftMs < tonumber(ttl) then
    redis.call('PEXPIRE', main, ttl)
    redis.call('PEXPIRE', tokenKey, tokenTtl)
  end
  return string.match(value, '^[^\n]*\n(%d+)')
end
local limit = redis.pcall('HGET', main, '#limit')
if type(limit) == 'string' then return {'#limit', limit} end
return {redis.call('PTTL', main), ''}`

/** `drop` drops those whose lease is over, 1,000 at most: that takes 3 to 5 ms. `more`: there may be others. */
const poolTools = raw`
${readNow}
local owner = string.sub(mark, 1, -2)
local function remove(owners)
  local permits = 0
  for _, field in ipairs(redis.call('HMGET', main, unpack(owners))) do
    permits = permits + tonumber(string.match(field or '0', '^%d+') or 0)
  end
  redis.call('HDEL', main, unpack(owners))
  redis.call('ZREM', leases, unpack(owners))
  redis.call('HINCRBY', main, '#used', -permits)
end
local function settle()
  local longest = redis.call('ZREVRANGE', leases, 0, 0, 'WITHSCORES')[2]
  if tonumber(redis.call('HGET', main, '#used') or 0) <= 0 then
    redis.call('DEL', main, leases)
  elseif longest then
    redis.call('PEXPIREAT', main, longest)
    redis.call('PEXPIREAT', leases, longest)
  end
end
local function lease(owner)
  local field = redis.pcall('HGET', main, owner)
  if type(field) == 'string' then return field, tonumber(redis.call('ZSCORE', leases, owner) or now) end
end
local more = false
local function drop()
  for _ = 1, 4 do
    local gone = redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. now, 'LIMIT', 0, 250)
    more = #gone == 250
    if #gone > 0 then remove(gone) end
    if not more then return end
  end
end`

/** As acquireMutex; needs `limit` and `permits` too. A writer, who takes all, has to wait for the longest lease. */
export const acquirePool: string = raw`
local stored = redis.pcall('HGET', main, '#limit')
if type(stored) == 'table' then
  local value = redis.pcall('GET', main)
  if type(value) == 'string' and string.find(value, '^[^\n]+\n%d+\n[^\n]*\n{') then return {'#limit', '1'} end
  return {redis.call('PTTL', main), ''}
end
if not stored then
  if redis.call('EXISTS', main) == 1 then return {redis.call('PTTL', main), ''} end
  redis.call('DEL', leases)
end
${poolTools}
if stored then drop() end
local used = tonumber(stored and redis.call('HGET', main, '#used') or 0) or 0
if used > 0 and stored ~= limit then return {'#limit', stored} end
local field, ends = lease(owner)
if field and ends >= now then
  if ends < now + ttl then
    redis.call('ZADD', leases, now + ttl, owner)
    redis.call('PEXPIRE', tokenKey, tokenTtl)
    settle()
  end
  return string.match(field, '^%d+\n[^\n]*\n(%d+)')
end
if field then
  remove({owner})
  used = tonumber(redis.call('HGET', main, '#used'))
end
if used + permits > tonumber(limit) then
  local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
  local record = string.match(first[1] and redis.call('HGET', main, first[1]) or '', '^%d+\n(.*)$')
  if permits == limit and not more then return {redis.call('PTTL', main), record or ''} end
  return {math.max(0, (first[2] or now) - now), record or ''}
end
${rememberToken('')}
redis.call('HSET', main, '#limit', limit, '#used', used + permits,
  owner, permits .. '\n' .. mark .. token .. '\n' .. tail)
redis.call('ZADD', leases, now + ttl, owner)
settle()
return token`

/** Needs `mark`, `ttl`, `tokenTtl`. */
export const renew: string = raw`
local value = redis.pcall('GET', main)
if not value then return 0 end
if type(value) == 'string' then
  if string.find(value, mark, 1, true) ~= 1 then return 0 end
  redis.call('PEXPIRE', tokenKey, tokenTtl)
  return redis.call('PEXPIRE', main, ttl)
end
${poolTools}
local field, ends = lease(owner)
if not field or ends < now then return 0 end
redis.call('ZADD', leases, now + ttl, owner)
redis.call('PEXPIRE', tokenKey, tokenTtl)
drop()
settle()
return 1`

/** Needs `mark`. */
export const release: string = raw`
local value = redis.pcall('GET', main)
if not value then return 0 end
if type(value) == 'string' then
  if string.find(value, mark, 1, true) ~= 1 then return 0 end
  return redis.call('DEL', main)
end
${poolTools}
local field, ends = lease(owner)
if not field then return 0 end
remove({owner})
drop()
settle()
return ends >= now and 1 or 0`

/** { limit, then for each holder: ms left, permits, record }; nothing if nobody holds. */
export const inspect: string = raw`
local value = redis.pcall('GET', main)
if not value then return false end
local limit = redis.pcall('HGET', main, '#limit')
if type(limit) ~= 'string' then
  return {'1', redis.call('PTTL', main), '1', type(value) == 'string' and value or ''}
end
${readNow}
local found = {limit}
local held = redis.call('ZRANGEBYSCORE', leases, now, '+inf', 'WITHSCORES')
for at = 1, #held, 2 do
  local permits, record = string.match(redis.call('HGET', main, held[at]) or '', '^(%d+)\n(.*)$')
  if permits then
    found[#found + 1] = held[at + 1] - now
    found[#found + 1] = permits
    found[#found + 1] = record
  end
end
return found[2] and found or false`

/** Needs `wakeId`: of the asking store, whose own holders are told without a message. { 0 or 1, then these owners }. */
export const forceRelease: string = raw`
local value = redis.pcall('GET', main)
if not value then return {0} end
local reply, records = {1}, {}
${readNow}
if type(value) == 'string' then
  records = {{value, now + math.max(0, redis.call('PTTL', main))}}
elseif type(redis.pcall('HGET', main, '#limit')) == 'string' then
  local held = redis.call('ZRANGEBYSCORE', leases, now, '+inf', 'WITHSCORES')
  for at = 1, #held, 2 do
    local record = string.match(redis.call('HGET', main, held[at]) or '', '^%d+\n(.*)$')
    records[#records + 1] = {record or '', tonumber(held[at + 1])}
  end
  if #records == 0 then reply[1] = 0 end
end
redis.call('DEL', main, leases)
redis.call('ZREMRANGEBYSCORE', revoked, '-inf', '(' .. now)
for _, ended in ipairs(records) do
  local owner, holderWakeId = string.match(ended[1], '^([^\n]+)\n%d+\n([^\n]*)\n')
  if owner then
    redis.call('ZADD', revoked, math.max(ended[2], now + ${revokedStaysMs}), owner)
    if holderWakeId == wakeId then
      reply[#reply + 1] = owner
    else
      redis.pcall('PUBLISH', 'holdfast:' .. holderWakeId, 'revoked\n' .. owner .. '\n' .. main)
    end
  end
end
local longest = redis.call('ZREVRANGE', revoked, 0, 0, 'WITHSCORES')[2]
if longest then redis.call('PEXPIREAT', revoked, longest) end
return reply`

/** Needs `owner`. The mark of a hold that ended long ago may still stand beside later ones. */
export const wasRevoked: string = raw`
${readNow}
local ends = redis.call('ZSCORE', revoked, owner)
return ends and tonumber(ends) >= now and 1 or 0`
