import { largestToken } from './lua-clock.js'

const { raw } = String

/**
 * Remembers `token`, and `turns` more that the holder may pass on by itself, with `tokenTtl`. Where the clock is behind the
 * last token, `token` becomes last + 1. `marker`: what to put behind it, as Lua; `marked`: a newline behind the last one said
 * that somebody may stand in the queue. Redis before 6.2 does not know SET … GET. `undo`: what to do when even the other way
 * fails.
 */
const remember = (marker: string, undo: string): string => raw`
local kept = token
if turns ~= '0' then
  local sum = 1000000 + micros + turns
  kept = sum < 2000000 and time[1] .. string.sub(sum, 2) or string.format('%d', token + turns)
end
local last = redis.pcall('SET', tokenKey, kept${marker}, 'PX', tokenTtl, 'GET')
if type(last) == 'table' then
  last = redis.pcall('GETSET', tokenKey, kept${marker})
  if type(last) == 'table' then ${undo} end
  redis.call('PEXPIRE', tokenKey, tokenTtl)
end
local behind, marked = false, false
if last and (#last ~= #token or last >= token) then
  marked = string.byte(last, -1) == 10
  last = tonumber(last)
  behind = last and last >= tonumber(token) and last + turns < ${largestToken}
  if behind then
    token = string.format('%d', last + 1)
    redis.call('SET', tokenKey, string.format('%d', last + 1 + turns)${marker}, 'PX', tokenTtl)
  end
end`

/** Needs `token`, `micros` and `time`. `undo`: what to take back before the script fails. */
export const rememberToken = (undo: string): string => remember('', `${undo} return last`)

/** The same where it was found that somebody waits, or waited: `marker` tells the next. Never fails on what stands there. */
export const tokenTools: string = raw`
local function nextToken(tokenTtl, turns, marker)
  local token = token
  ${remember(' .. marker', "last = false redis.call('SET', tokenKey, kept .. marker)")}
  return token
end
local function keepToken(token, tokenTtl, turns)
  redis.call('PEXPIRE', tokenKey, tokenTtl)
  local text = redis.pcall('GET', tokenKey)
  if type(text) ~= 'string' then text = '' end
  if (tonumber(text) or 0) >= token + turns then return end
  local marker = string.byte(text, -1) == 10 and '\n' or ''
  redis.call('SET', tokenKey, string.format('%d', token + turns) .. marker, 'PX', tokenTtl)
end`
