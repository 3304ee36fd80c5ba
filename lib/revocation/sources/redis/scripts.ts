/**
 * The scripts by which the writer changes a set. Each changes the entries, the marker and the log, and sends the message,
 * in one step, so that no node sees one without the others. keys.ts says what each key holds.
 *
 * Arguments: the channel, the limits of the log (entries, bytes), then those of the script. Each answers with the number of
 * changed members, the size of the set, 1 if it has a marker, and perhaps why the log could not be written.
 */

/** Bytes of a member in the log, at most. With a longer one, nodes read the whole set. */
export const LOGGED_MEMBER = 512
/** Bytes of all members in one entry of the log, at most. */
export const LOGGED_BYTES = 256 * 1024
/** Entries that one step removes from the log because of its bytes, at most. */
const TRIMMED = 100
/** Milliseconds for which removals are recorded: 90 days. */
const REMEMBERED = 90 * 24 * 60 * 60 * 1000

/**
 * A version is the time, or the last version plus one if that is greater. `sums` is the digest of the members, nil if it is
 * unknown because another program has changed the marker.
 */
const PROLOGUE = `
local set, state, removed, log, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local FIRST = 4
local time = redis.call('TIME')
local marker = redis.call('HMGET', state, 'version', 'digest', 'digestVersion', 'logged')
local last = tonumber(marker[1] or nil)
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if last and last >= now then now = last + 1 end
local version = string.format('%.0f', now)
local function parsed (text)
  local sums = {}
  for lane in string.gmatch(text, '%d+') do sums[#sums + 1] = tonumber(lane) end
  return #sums == 5 and sums or nil
end
local sums = marker[2] and marker[3] == marker[1] and parsed(marker[2]) or nil
local function digest (member, sign)
  if not sums then return end
  local hex = redis.sha1hex(member)
  for lane = 1, 5 do sums[lane] = (sums[lane] + sign * tonumber(string.sub(hex, lane * 8 - 7, lane * 8), 16)) % 4294967296 end
end
-- A message is only a hint: a writer that may not send one may still write.
local function tell () redis.pcall('PUBLISH', channel, version) end
local unlogged = ''
local function answer (changed) return { changed, redis.call('SCARD', set), last and 1 or 0, unlogged } end
local function trim (logged)
  for _ = 1, ${TRIMMED} do
    local first = redis.pcall('XRANGE', log, '-', '+', 'COUNT', 1)
    if first.err or not first[1] then return end
    local at = tonumber(first[1][2][1] == 'logged' and first[1][2][2] or nil)
    if at and at <= logged and logged - at <= tonumber(ARGV[3]) then return end
    if redis.pcall('XDEL', log, first[1][1]) ~= 1 then return end
  end
end
-- Writes the marker, and what has changed into the log. Without the log, nodes read the whole set.
local function record (kind, members)
  local text = table.concat(members, '\\n')
  for _, member in ipairs(members) do
    if #member > ${LOGGED_MEMBER} or string.find(member, '\\n', 1, true) then kind = 'whole' end
  end
  if #text > ${LOGGED_BYTES} then kind = 'whole' end
  if kind == 'whole' then text = '' end
  local written = sums and string.format('%.0f %.0f %.0f %.0f %.0f', unpack(sums)) or ''
  redis.call('HSET', state, 'version', version)
  if sums then redis.call('HSET', state, 'digest', written, 'digestVersion', version) end
  local before = tonumber(marker[4] or nil) or 0
  local logged = before + #text
  local function append ()
    return redis.pcall(
      'XADD', log, 'MAXLEN', ARGV[2], '*', 'logged', string.format('%.0f', before), 'from', marker[1] or '', 'to', version,
      'count', redis.call('HGET', state, 'count') or '', 'size', redis.call('SCARD', set), 'digest', written, kind, text
    )
  end
  local id = append()
  -- Another program has used up its last id.
  if type(id) == 'table' and string.find(id.err, 'exhausted', 1, true) then
    redis.pcall('DEL', log)
    id = append()
  end
  if type(id) == 'string' then
    redis.call('HSET', state, 'log', id, 'logged', string.format('%.0f', logged))
    trim(logged)
  else
    unlogged = id.err
  end
  tell()
end
`

export const ADD = `${PROLOGUE}
local added = {}
for i = FIRST, #ARGV do
  if redis.call('SADD', set, ARGV[i]) == 1 then
    added[#added + 1] = ARGV[i]
    digest(ARGV[i], 1)
  end
end
if redis.call('EXISTS', removed) == 1 then
  for i = FIRST, #ARGV do redis.call('ZREM', removed, ARGV[i]) end
end
if #added > 0 then
  if last then
    redis.call('HINCRBY', state, 'count', #added)
    record('add', added)
  else
    tell()
  end
end
return answer(#added)
`

export const REMOVE = `${PROLOGUE}
if not last then return answer(0) end
local gone, members = 0, {}
for i = FIRST, #ARGV do
  redis.call('ZADD', removed, version, ARGV[i])
  members[#members + 1] = ARGV[i]
  if redis.call('SREM', set, ARGV[i]) == 1 then
    gone = gone + 1
    digest(ARGV[i], -1)
  end
end
redis.call('ZREMRANGEBYSCORE', removed, '-inf', string.format('%.0f', now - ${REMEMBERED}))
if gone > 0 then redis.call('HINCRBY', state, 'count', -gone) end
record('remove', members)
return answer(gone)
`

/** Also takes the version and the size at which the digest was computed, and the digest. */
export const ACCEPT = `${PROLOGUE}
local size = redis.call('SCARD', set)
sums = (marker[1] or '') == ARGV[FIRST] and string.format('%.0f', size) == ARGV[FIRST + 1] and parsed(ARGV[FIRST + 2]) or nil
redis.call('HSET', state, 'accepted', version, 'count', size)
redis.call('DEL', removed)
record('accept', {})
last = now
return answer(0)
`

export const COUNT = `${PROLOGUE}
local there = 0
for i = FIRST, #ARGV do there = there + redis.call('SISMEMBER', set, ARGV[i]) end
return answer(there)
`
