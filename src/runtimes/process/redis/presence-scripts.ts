/**
 * The scripts of presence. All keys begin as those of the log (`script-prelude.ts`).
 *
 * | Key | Type | Content |
 * | --- | --- | --- |
 * | `presence:members:<topic>` | hash | id as JSON → a line for each source: `<source> <number of the call> <since> <updatedAt> <info as JSON>` |
 * | `presence:guests:<topic>` | hash | source with a stream → its number of guests |
 * | `presence:counted` | set | topics of which the members are counted, not listed |
 * | `presence:sources` | sorted set | source → time at which it counts as gone, by the clock of Redis; 0 if it is retired |
 * | `presence:topics:<source>` | set | topics in which the source has a stream |
 * | `presence:answers` | hash | source → `<number> <answer>` of its last call |
 */
import { LISTED_AGAIN } from "../../../realtime/presence/members-table.ts";
import { MAX_LISTED_MEMBERS } from "../../../realtime/presence/presence.ts";
import { MAX_EVENT_LENGTH } from "../../../realtime/presence/presence-messages.ts";
import { APPEND_LIBRARY } from "./append-library.ts";
import { SCRIPT_PRELUDE } from "./script-prelude.ts";

const LIBRARY = `
local counted = base .. 'presence:counted'

-- The member that subscribers see: with the earliest time of joining and the newest info. Returns its JSON, its info and its time.
local function combine(id, lines)
  local since, sinceText, updatedAt, info, newest
  for one, first, last, text in string.gmatch(lines, '(%S+) %S+ (%S+) (%S+) ([^\\n]*)\\n') do
    local joined, updated = tonumber(first), tonumber(last)
    if not since or joined < since then since, sinceText = joined, first end
    -- Of two infos of the same time, the name of the source decides, as in MembersTable.
    if not info or updated > updatedAt or (updated == updatedAt and one > newest) then
      updatedAt, info, newest = updated, text, one
    end
  end
  return '{"id":' .. id .. ',"info":' .. info .. ',"since":' .. sinceText .. '}', info, since
end

-- Returns the members of a topic as a list of JSON, sorted by the time of joining.
local function listMembers(topic)
  local fields, list, texts = redis.call('HGETALL', base .. 'presence:members:' .. topic), {}, {}
  for index = 1, #fields, 2 do
    local text, _, since = combine(fields[index], fields[index + 1])
    list[#list + 1] = { text, since, fields[index] }
  end
  table.sort(list, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[3] < b[3]) end)
  for index, one in ipairs(list) do texts[index] = one[1] end
  return texts
end

-- Returns the number of sources with a stream, and the number of guests.
local function countSources(topic)
  local values, guests = redis.call('HVALS', base .. 'presence:guests:' .. topic), 0
  for _, number in ipairs(values) do guests = guests + tonumber(number) end
  return #values, guests
end

local function isCounted(topic) return redis.call('SISMEMBER', counted, topic) == 1 end
local function countMembers(topic) return redis.call('HLEN', base .. 'presence:members:' .. topic) end
`;

/**
 * Reads the members of a topic. `ARGV`: 3. topic. Returns the sequence of the log, the number of members, the number of guests, and
 * the members as JSON, or an empty text if they are counted.
 */
export const READ_PRESENCE_SCRIPT: string = `${SCRIPT_PRELUDE}${LIBRARY}
local topic = ARGV[3]
local _, guests = countSources(topic)
local members = isCounted(topic) and '' or '[' .. table.concat(listMembers(topic), ',') .. ']'
return { text(seq), text(countMembers(topic)), text(guests), members }
`;

/** Counts members and guests. `ARGV` from 3: topics. Returns two numbers for each topic. */
export const COUNT_PRESENCE_SCRIPT: string = `${SCRIPT_PRELUDE}${LIBRARY}
local counts = {}
for index = 3, #ARGV do
  local _, guests = countSources(ARGV[index])
  counts[#counts + 1] = countMembers(ARGV[index])
  counts[#counts + 1] = guests
end
return counts
`;

/** Splits texts into lists of about `MAX_EVENT_LENGTH`, as `split` in `presence-messages.ts`, and formats events. */
const EVENTS = `
local function split(texts)
  local lists, room = {}, 0
  for _, one in ipairs(texts) do
    if #one > room then
      lists[#lists + 1] = {}
      room = ${MAX_EVENT_LENGTH}
    end
    local list = lists[#lists]
    list[#list + 1] = one
    room = room - #one
  end
  return lists
end

local function formatChanges(lists)
  local events = {}
  for index, list in ipairs(lists) do
    events[index] = #list == 1 and list[1]
      or '{"type":"changes","changes":[' .. table.concat(list, ',') .. ']}'
  end
  return events
end

-- Returns the events that state all members.
local function stateMembers(topic, isListed, guests)
  local counts = '"count":' .. text(countMembers(topic)) .. ',"guests":' .. text(guests) .. '}'
  if not isListed then return { '{"type":"members",' .. counts } end
  local lists = split(listMembers(topic))
  local first = table.remove(lists, 1) or {}
  for _, list in ipairs(lists) do
    for index, member in ipairs(list) do list[index] = '{"type":"join","member":' .. member .. '}' end
  end
  local events = formatChanges(lists)
  table.insert(events, 1, '{"type":"members","members":[' .. table.concat(first, ',') .. '],' .. counts)
  return events
end
`;

/** Applies one part to the members and the guests of its topic. */
const APPLY_PART = `
local function change(part, id, lines, after)
  if lines == after then return end
  local key, list = base .. 'presence:members:' .. part.topic, part.changes
  if after == '' then redis.call('HDEL', key, id) else redis.call('HSET', key, id, after) end
  if after == '' then
    list[#list + 1] = '{"type":"leave","member":' .. combine(id, lines) .. '}'
    return
  end
  local member, info = combine(id, after)
  if lines == '' then
    list[#list + 1] = '{"type":"join","member":' .. member .. '}'
  elseif select(2, combine(id, lines)) ~= info then
    list[#list + 1] = '{"type":"update","member":' .. member .. '}'
  end
end

local function linesOf(part, id)
  return redis.call('HGET', base .. 'presence:members:' .. part.topic, id) or ''
end

-- Returns the lines without the one that the source wrote in a call before another call.
local function without(lines, limit)
  return (string.gsub(lines, '(%S+) (%S+) [^\\n]*\\n', function(one, written)
    if one == source and tonumber(written) < limit then return '' end
  end))
end

local function with(lines, line)
  local isReplaced = false
  local replaced = string.gsub(lines, '(%S+) [^\\n]*\\n', function(one)
    if one ~= source then return nil end
    isReplaced = true
    return line
  end)
  return isReplaced and replaced or lines .. line
end

-- Removes members that the source wrote in earlier calls, in a slice of all members. Returns the next cursor, '0' at the end.
local function removeEarlier(part, cursor, limit)
  local key = base .. 'presence:members:' .. part.topic
  local slice = redis.call('HSCAN', key, cursor, 'COUNT', 500)
  for index = 1, #slice[2], 2 do
    change(part, slice[2][index], slice[2][index + 1], without(slice[2][index + 1], limit))
  end
  return slice[1]
end

local function setGuests(part, isOccupied)
  local key, topics = base .. 'presence:guests:' .. part.topic, base .. 'presence:topics:' .. source
  local earlier = redis.call('HGET', key, source)
  if isOccupied and earlier ~= part.guests then
    redis.call('HSET', key, source, part.guests)
    redis.call('SADD', topics, part.topic)
  elseif not isOccupied then
    if earlier then redis.call('HDEL', key, source) end
    redis.call('SREM', topics, part.topic)
  end
end
`;

/**
 * Applies a call (`SharedPresence.apply`). `ARGV` after the values of the library: 10. source, then kind, number, time until the source
 * counts as gone, beginning of the ids of messages, and number of parts. For each part: topic, presence topic, the end of the header
 * of its messages after the id, number of its kept messages or an empty text, `1` if the source has a stream, number of guests,
 * cursor of the removal or an empty text, number of the first call that counts, number of present members, number of members that
 * have left. Then four texts for each present member: id as JSON, `since`, `updatedAt`, info as JSON. Then the id as JSON of each member
 * that has left.
 *
 * Returns `unknown`, or two words for each part: `occupied`, `vacated` or `-`, and the cursor at which the removal continues.
 */
export const REPORT_PRESENCE_SCRIPT: string = `${APPEND_LIBRARY}${LIBRARY}${EVENTS}
local source, kind, number, lease, idBase, count = ARGV[10], arg(), arg(), tonumber(arg()), arg(), tonumber(arg())
local sources, answers = base .. 'presence:sources', base .. 'presence:answers'
${APPLY_PART}
local messages = 0
local function publish(part, data)
  messages = messages + 1
  local id = idBase .. '-' .. messages
  append({ id = id, publisher = '', size = #id + #part.presenceTopic + #data,
    header = '{"id":"' .. id .. '",' .. part.header, data = data, change = '', keeps = part.keeps })
end

-- Appends the messages about the changes of a part.
local function announce(part, guests)
  local isListed = not isCounted(part.topic)
  local willBeListed = countMembers(part.topic) <= (isListed and ${MAX_LISTED_MEMBERS} or ${LISTED_AGAIN})
  if willBeListed ~= isListed then
    redis.call(willBeListed and 'SREM' or 'SADD', counted, part.topic)
  end
  if #part.changes == 0 then return end
  local events = isListed and willBeListed and formatChanges(split(part.changes))
    or stateMembers(part.topic, willBeListed, guests)
  for _, event in ipairs(events) do publish(part, event) end
end

local function applyPart()
  local part = { topic = arg(), presenceTopic = arg(), header = arg(), keeps = {}, changes = {} }
  local keepCount, isOccupied = arg(), nil
  if keepCount ~= '' then part.keeps[1] = { part.presenceTopic, tonumber(keepCount) } end
  isOccupied, part.guests = arg() == '1', arg()
  local cursor, limit, present, left = arg(), tonumber(arg()), tonumber(arg()), tonumber(arg())
  local occupiedBefore, guestsBefore = countSources(part.topic)
  local added = {}
  for index = 1, present do added[index] = { arg(), arg(), arg(), arg() } end
  for _ = 1, left do
    local id = arg()
    local lines = linesOf(part, id)
    change(part, id, lines, without(lines, math.huge))
  end
  for _, one in ipairs(added) do
    local lines = linesOf(part, one[1])
    local line = source .. ' ' .. number .. ' ' .. one[2] .. ' ' .. one[3] .. ' ' .. one[4] .. '\\n'
    change(part, one[1], lines, with(lines, line))
  end
  local rest = cursor == '' and '0' or removeEarlier(part, cursor, limit)
  -- A source with members that remain to be removed still counts for the topic.
  if isOccupied or rest == '0' then setGuests(part, isOccupied) end
  local occupiedAfter, guestsAfter = countSources(part.topic)
  if guestsAfter ~= guestsBefore then
    part.changes[#part.changes + 1] = '{"type":"guests","guests":' .. text(guestsAfter) .. '}'
  end
  announce(part, guestsAfter)
  local occupancy = '-'
  if occupiedBefore == 0 and occupiedAfter > 0 then occupancy = 'occupied' end
  if occupiedBefore > 0 and occupiedAfter == 0 then occupancy = 'vacated' end
  return occupancy .. ' ' .. rest
end

local score = redis.call('ZSCORE', sources, source)
if kind == 'removal' then
  if score ~= '0' then return 'unknown' end
elseif score == '0' or (not score and kind ~= 'first') then
  return 'unknown'
elseif not score then
  redis.call('ZADD', sources, text(now + lease), source)
end
local earlier, answer = string.match(redis.call('HGET', answers, source) or '', '^(%d+) (.*)$')
if earlier == number and kind ~= 'removal' then return answer end
local outcomes = {}
for index = 1, count do outcomes[index] = applyPart() end
answer = table.concat(outcomes, ' ')
if kind ~= 'removal' then redis.call('HSET', answers, source, number .. ' ' .. answer) end
finish()
return answer
`;
