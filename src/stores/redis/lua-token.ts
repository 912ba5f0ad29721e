import { largestToken } from './lua-clock.js'

const { raw } = String

/**
 * Remembers `token`, and `turns` more that the holder may pass on by itself, with `tokenTtl`. Where the clock is behind the
 * last token, `token` becomes last + 1. `marked`: a newline behind the last one said that somebody may stand in the queue.
 * Redis before 6.2 does not know SET … GET. `undo` is what to take back when even the other way fails.
 */
export const rememberToken = (undo: string): string => raw`
local kept = token
if turns ~= '0' then
  local sum = 1000000 + micros + turns
  kept = sum < 2000000 and time[1] .. string.sub(sum, 2) or string.format('%.0f', token + turns)
end
local last = redis.pcall('SET', tokenKey, kept, 'PX', tokenTtl, 'GET')
if type(last) == 'table' then
  last = redis.pcall('GETSET', tokenKey, kept)
  if type(last) == 'table' then ${undo} return last end
  redis.call('PEXPIRE', tokenKey, tokenTtl)
end
local behind, marked = false, false
if last and (#last ~= #token or last >= token) then
  marked = string.byte(last, -1) == 10
  last = tonumber(last)
  behind = last and last >= tonumber(token) and last + turns < ${largestToken}
  if behind then
    token = string.format('%.0f', last + 1)
    redis.call('SET', tokenKey, string.format('%.0f', last + 1 + turns), 'PX', tokenTtl)
  end
end`

/** The same where the queue is known: `marker` is a newline if somebody stands there, else nothing. Never fails on what stands there. */
export const tokenTools: string = raw`
local function lastToken()
  local last = redis.pcall('GET', tokenKey)
  if type(last) ~= 'string' then return 0, '' end
  return tonumber(last) or 0, last
end
local function nextToken(tokenTtl, turns, marker)
  local last, text = lastToken()
  local new = token
  if #text > #token + #marker or text >= token then
    if last >= tonumber(token) and last + turns < ${largestToken} then new = string.format('%.0f', last + 1) end
  end
  local kept = turns == '0' and new or string.format('%.0f', new + turns)
  redis.call('SET', tokenKey, kept .. marker, 'PX', tokenTtl)
  return new
end
local function keepToken(token, tokenTtl, turns)
  redis.call('PEXPIRE', tokenKey, tokenTtl)
  local last, text = lastToken()
  if last >= token + turns then return end
  local marker = string.byte(text, -1) == 10 and '\n' or ''
  redis.call('SET', tokenKey, string.format('%.0f', token + turns) .. marker, 'PX', tokenTtl)
end`
