/**
 * The beginning of every script that changes the shared log. All keys are in one hash slot, because their names begin with the same
 * `{prefix}`.
 *
 * | Key | Type | Content |
 * | --- | --- | --- |
 * | `log` | stream | the entries, with the ids `<sequence>-<index>` (`Place`) |
 * | `meta` | hash | `format`, `run` (the server's replication id), `epoch`, `seq`, `index`, `at`, `bytes`, `keptbytes` |
 * | `epochs` | list | `<name> <start>`, oldest first |
 * | `ids` | sorted set | message id → sequence |
 * | `contents` | hash | message id → `<fingerprint> <at> <publisher>` |
 * | `ids:<publisher>` | sorted set | the ids of one publisher → sequence |
 * | `revoked` | sorted set | subject → time |
 * | `kept` | hash | sequence → a kept message (`entry-codec.ts`) |
 * | `keptrefs` | hash | sequence → number of topics that keep the message |
 * | `keptindex` | sorted set | `<topic> NUL <sequence>`, in lexicographic order |
 * | `kepttopics` | sorted set | topic → 64 · sequence of its newest message + index of the topic in that message |
 *
 * `ARGV[1]` is the time, or an empty text for the server's clock. `ARGV[2]` is the name of a new epoch.
 */
export const SCRIPT_PRELUDE = `
local base = KEYS[1]
local log, meta, epochs = base .. 'log', base .. 'meta', base .. 'epochs'
local kept, keptrefs = base .. 'kept', base .. 'keptrefs'
local keptindex, kepttopics = base .. 'keptindex', base .. 'kepttopics'

local function text(number) return string.format('%.0f', number) end

local state = redis.call('HMGET', meta, 'format', 'run', 'epoch', 'seq', 'at', 'bytes', 'keptbytes',
  'index')
if state[1] and state[1] ~= '1' then
  return redis.error_reply('FORMAT The data in Redis has the format ' .. state[1] .. '.')
end
local epoch = state[3]
local seq, last = tonumber(state[4] or '0'), tonumber(state[5] or '0')
local bytes, keptbytes = tonumber(state[6] or '0'), tonumber(state[7] or '0')
local place = tonumber(state[8] or '0')

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
-- The time of an entry never falls, even if the clock is set back.
local at = math.max(now, last)

-- The replication id changes when the server restarts or is promoted. Its newest entries may then be lost.
local run = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if not epoch or state[2] ~= run then
  epoch = ARGV[2]
  redis.call('HSET', meta, 'format', '1', 'run', run, 'epoch', epoch)
  redis.call('RPUSH', epochs, epoch .. ' ' .. text(seq))
  redis.call('LTRIM', epochs, -100, -1)
end

local function save()
  redis.call('HSET', meta, 'seq', text(seq), 'index', text(place), 'at', text(at),
    'bytes', text(bytes), 'keptbytes', text(keptbytes))
end

-- Appends an entry without a message.
local function control(kind, value)
  place = place + 1
  redis.call('XADD', log, text(seq) .. '-' .. text(place), 'e', epoch, 't', text(at),
    'b', text(bytes), 'k', kind, 'd', value)
end

-- Removes a kept message from one topic.
local function drop(member)
  local id = text(tonumber(string.sub(member, -16)))
  local payload = redis.call('HGET', kept, id)
  redis.call('ZREM', keptindex, member)
  if not payload then return end
  keptbytes = keptbytes - tonumber(string.match(payload, '^[^\\n]*\\n[^\\n]*\\n([^\\n]*)\\n'))
  if redis.call('HINCRBY', keptrefs, id, -1) <= 0 then
    redis.call('HDEL', kept, id)
    redis.call('HDEL', keptrefs, id)
  end
end

-- Returns the oldest members of a topic in the index.
local function membersOf(topic, count)
  return redis.call('ZRANGEBYLEX', keptindex, '[' .. topic .. '\\0', '(' .. topic .. '\\1',
    'LIMIT', 0, count)
end
`;
