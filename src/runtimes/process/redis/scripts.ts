/** The scripts that run in Redis, besides the one that appends messages. */
import { SCRIPT_PRELUDE } from "./script-prelude.ts";

/**
 * Reads the state of the log. The prelude begins a new epoch if entries may be lost. Returns the epochs, sequence and index of the
 * newest entry, the sequence of the oldest message, and the time.
 */
export const JOIN_SCRIPT: string = `${SCRIPT_PRELUDE}
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local first = seq + 1
if oldest then
  local sequence, index = string.match(oldest[1], '^(%d+)%-(%d+)$')
  first = tonumber(sequence) + (index == '0' and 0 or 1)
end
return { redis.call('LRANGE', epochs, 0, -1), text(seq), text(place), text(first), text(now) }
`;

/**
 * Stores a revocation and appends its entry. `ARGV`: 3. subject, 4. number of revocations that are remembered, 5. their age. Returns
 * the epoch, sequence and index of the entry, and the time.
 */
export const REVOKE_SCRIPT: string = `${SCRIPT_PRELUDE}
local revoked = base .. 'revoked'
control('revocation', ARGV[3])
redis.call('ZADD', revoked, text(at), ARGV[3])
redis.call('ZREMRANGEBYSCORE', revoked, '-inf', '(' .. text(at - tonumber(ARGV[5])))
redis.call('ZREMRANGEBYRANK', revoked, 0, -tonumber(ARGV[4]) - 1)
save()
return { epoch, text(seq), text(place), text(at) }
`;

/**
 * Matches the topics of a message with an erased topic. `ARGV[3]` is a topic, `prefix/*` or `*`.
 */
const MATCH_ERASED = `
local erased = ARGV[3]
local prefix = string.sub(erased, -2) == '/*' and string.sub(erased, 1, -2)
-- cjson refuses half of a surrogate pair, which JSON writes as an escape.
local function replaceSurrogate(kind, digits)
  if kind ~= 'u' or not string.find(digits, '^d[89a-f]') then return nil end
  return '\\\\ufffd' .. string.sub(digits, 5)
end
local function isErased(header)
  header = string.gsub(header, '\\\\(.)(%x*)', replaceSurrogate)
  for _, topic in ipairs(cjson.decode(header).topics) do
    if erased == '*' or topic == erased then return true end
    if prefix and string.sub(topic, 1, #prefix) == prefix then return true end
  end
  return false
end
`;

/** Appends the entry of an erasure. `ARGV`: 3. topic. Returns the epoch, and sequence and index of the entry. */
export const ERASE_SCRIPT: string = `${SCRIPT_PRELUDE}
control('erasure', ARGV[3])
save()
return { epoch, text(seq), text(place) }
`;

/**
 * Erases kept messages in a slice of the index. `ARGV`: 3. topic, 4. sequence of the newest message to erase, 5. the member after
 * which the slice begins, or an empty text, 6. size of the slice. Returns the last member of the slice, or an empty text at the end.
 */
export const ERASE_KEPT_SCRIPT: string = `${SCRIPT_PRELUDE}${MATCH_ERASED}
local from = ARGV[5] == '' and '-' or '(' .. ARGV[5]
local members = redis.call('ZRANGEBYLEX', keptindex, from, '+', 'LIMIT', 0, tonumber(ARGV[6]))
for _, member in ipairs(members) do
  local number = tonumber(string.sub(member, -16))
  local payload = redis.call('HGET', kept, text(number))
  local header = payload and string.match(payload, '^[^\\n]*\\n[^\\n]*\\n[^\\n]*\\n([^\\n]*)\\n')
  if not header or (number <= tonumber(ARGV[4]) and isErased(header)) then
    drop(member)
    local topic = string.sub(member, 1, -18)
    if not membersOf(topic, 1)[1] then redis.call('ZREM', kepttopics, topic) end
  end
end
save()
return members[#members] or ''
`;

/**
 * Copies entries to a new stream, in which erased messages are empty entries with the same ids. After the last entry, the new stream
 * replaces the log. Several calls are needed, because one call must not block Redis for long. `ARGV`: 3. topic, 4. sequence of the
 * newest message to erase, 5. a random token of the erasure, 6. id of the entry after which this call begins, 7. number of entries.
 *
 * Returns the id of the last copied entry, `done`, `again` if the copy must begin anew, or `busy` during another erasure.
 */
export const ERASE_LOG_SCRIPT: string = `${SCRIPT_PRELUDE}${MATCH_ERASED}
local copy, owner = base .. 'copy', base .. 'copyowner'
local from, count = ARGV[6], tonumber(ARGV[7])
local holder = redis.call('GET', owner)
if holder and holder ~= ARGV[5] then return 'busy' end
if from == '0-0' then
  redis.call('DEL', copy)
elseif not holder or redis.call('EXISTS', copy) == 0 then
  return 'again'
end
redis.call('SET', owner, ARGV[5], 'PX', 10000)
local entries = redis.call('XRANGE', log, '(' .. from, '+', 'COUNT', count)
for _, entry in ipairs(entries) do
  local fields = {}
  for index = 1, #entry[2], 2 do fields[entry[2][index]] = entry[2][index + 1] end
  from = entry[1]
  local number = tonumber(string.match(from, '^%d+'))
  if fields.h and number <= tonumber(ARGV[4]) and isErased(fields.h) then
    redis.call('XADD', copy, from, 'e', fields.e, 't', fields.t, 'b', fields.b, 'k', 'erased', 'd', '')
  else
    redis.call('XADD', copy, from, unpack(entry[2]))
  end
end
redis.call('PEXPIRE', copy, 60000)
if #entries == count then return from end
redis.call('PERSIST', copy)
redis.call('RENAME', copy, log)
redis.call('DEL', owner)
return 'done'
`;
