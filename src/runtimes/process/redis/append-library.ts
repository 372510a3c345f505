import { SCRIPT_PRELUDE } from "./script-prelude.ts";

/**
 * The beginning of the scripts that append messages. `ARGV` after the prelude's two:
 *
 * 3. Number and 4. age of remembered ids. 5. Number, 6. age and 7. bytes of the entries that remain in the stream.
 * 8. Bytes and 9. topics of kept messages. 10. A value that the script reads itself. `arg()` returns the values after it.
 */
export const APPEND_LIBRARY: string = `${SCRIPT_PRELUDE}
local ids, contents, revoked = base .. 'ids', base .. 'contents', base .. 'revoked'
local idCount, idAge = tonumber(ARGV[3]), tonumber(ARGV[4])
local keptLimit, topicLimit = tonumber(ARGV[8]), tonumber(ARGV[9])
local next, before = 10, seq
local function arg()
  next = next + 1
  return ARGV[next]
end

local function forget(id)
  local _, _, publisher = string.find(redis.call('HGET', contents, id) or '', '^%S+ %S+ (.*)$')
  redis.call('ZREM', ids, id)
  redis.call('HDEL', contents, id)
  if publisher and publisher ~= '' then redis.call('ZREM', base .. 'ids:' .. publisher, id) end
end

-- The fingerprint of a remembered message, or nil. Writes nothing: the first write of the script must be a command that Redis
-- refuses when its memory is full. Redis allows every command after the first write.
local function fingerprintOf(id)
  local content = redis.call('HGET', contents, id)
  if not content then return nil end
  local _, _, fingerprint, since = string.find(content, '^(%S+) (%S+)')
  return at - tonumber(since) < idAge and fingerprint or nil
end

local function remember(message)
  redis.call('ZADD', ids, text(seq), message.id)
  redis.call('HSET', contents, message.id,
    message.fingerprint .. ' ' .. text(at) .. ' ' .. message.publisher)
  if message.publisher == '' then return end
  local own = base .. 'ids:' .. message.publisher
  redis.call('ZADD', own, text(seq), message.id)
  -- One publisher takes at most half of the ids. Its own oldest ids are forgotten first.
  while redis.call('ZCARD', own) > idCount / 2 do
    local oldest = redis.call('ZRANGE', own, 0, 0)[1]
    forget(oldest)
    -- forget() does not find the publisher of an id of which the content is lost.
    redis.call('ZREM', own, oldest)
  end
end

local function forgetOldIds(most)
  for _ = 1, most do
    local oldest = redis.call('ZRANGE', ids, 0, 0)[1]
    if not oldest then return end
    if redis.call('ZCARD', ids) <= idCount and fingerprintOf(oldest) then return end
    forget(oldest)
  end
end

-- Forgets the topics that have been silent for the longest time, until the limits hold.
local function evict(newest)
  while keptbytes > keptLimit or redis.call('ZCARD', kepttopics) > topicLimit do
    local topic = redis.call('ZRANGE', kepttopics, 0, 0)[1]
    if not topic then return end
    while topic ~= newest or keptbytes > keptLimit do
      local oldest = membersOf(topic, 1)[1]
      if not oldest then break end
      drop(oldest)
    end
    if membersOf(topic, 1)[1] then return end
    redis.call('ZREM', kepttopics, topic)
  end
end

local function keep(message, payload)
  if #message.keeps == 0 then return end
  for index, pair in ipairs(message.keeps) do
    local topic, number = pair[1], pair[2]
    -- The limits may already have dropped the message from its first topic, and with it the payload.
    if redis.call('HINCRBY', keptrefs, text(seq), 1) == 1 then
      redis.call('HSET', kept, text(seq), payload)
    end
    redis.call('ZADD', keptindex, 0, topic .. '\\0' .. string.format('%016.0f', seq))
    redis.call('ZADD', kepttopics, text(seq * 64 + index), topic)
    keptbytes = keptbytes + message.size
    local range = redis.call('ZLEXCOUNT', keptindex, '[' .. topic .. '\\0', '(' .. topic .. '\\1')
    if range > number then
      for _, member in ipairs(membersOf(topic, range - number)) do drop(member) end
    end
    evict(topic)
  end
end

-- The id of a message without a fingerprint is not remembered.
local function append(message)
  seq = seq + 1
  place = 0
  local entry = { 'e', epoch, 't', text(at), 'b', text(bytes), 'h', message.header,
    'd', message.data, 'c', message.change }
  redis.call('XADD', log, text(seq) .. '-0', unpack(entry))
  bytes = bytes + message.size
  -- If Redis refuses a later command, the state still has the message, and the next message gets the next number.
  save()
  if message.fingerprint then remember(message) end
  keep(message, epoch .. '\\n' .. text(at) .. '\\n' .. text(message.size) .. '\\n'
    .. message.header .. '\\n' .. message.data .. '\\n' .. message.change)
end

-- Whether an entry must remain in the stream. False for all entries before one that need not remain.
local function mustRemain(entry)
  local fields = {}
  for index = 1, #entry[2], 2 do fields[entry[2][index]] = entry[2][index + 1] end
  local number = tonumber(string.match(entry[1], '^%d+'))
  return seq - number < tonumber(ARGV[5]) and at - tonumber(fields.t) < tonumber(ARGV[6])
    and bytes - tonumber(fields.b) <= tonumber(ARGV[7])
end

-- Finds the oldest entry that must remain by binary search, and drops the entries before it.
local function trim()
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not first or mustRemain(first) then return end
  local low, high = tonumber(string.match(first[1], '^%d+')), seq + 1
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', log, text(middle) .. '-0', '+', 'COUNT', 1)[1]
    if entry and mustRemain(entry) then high = middle else low = middle end
  end
  -- The trim is exact. Entries without a message that follow message high - 1 remain, because a process that has received this
  -- message must receive them too.
  redis.call('XTRIM', log, 'MINID', '=', text(high - 1) .. '-1')
end

-- Must be called after the last message of the script.
local function finish()
  if seq == before then return end
  save()
  forgetOldIds(2 * (seq - before) + 10)
  if math.floor(seq / 64) ~= math.floor(before / 64) then trim() end
end
`;
