/** The scripts for the sources of presence (processes). `presence-scripts.ts` describes the keys. */

const SOURCES_PRELUDE = `
local sources, answers = KEYS[1] .. 'presence:sources', KEYS[1] .. 'presence:answers'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function text(number) return string.format('%.0f', number) end
local source = ARGV[1]
local score = redis.call('ZSCORE', sources, source)
`;

/**
 * Extends the lease of a source. `ARGV`: 1. source, 2. lease, 3. `1` to register the source. Returns `unknown`, or `late` or `ok` and
 * some sources that count as gone.
 */
export const RENEW_PRESENCE_SCRIPT: string = `${SOURCES_PRELUDE}
if score == '0' or (not score and ARGV[3] ~= '1') then return { 'unknown' } end
redis.call('ZADD', sources, text(now + tonumber(ARGV[2])), source)
local answer = redis.call('ZRANGEBYSCORE', sources, '-inf', text(now), 'LIMIT', 0, 10)
table.insert(answer, 1, score and tonumber(score) < now and 'late' or 'ok')
return answer
`;

/** Retires a source that counts as gone (`SharedPresence.retire`). `ARGV`: 1. source, 2. maximum number of topics. Returns topics. */
export const RETIRE_PRESENCE_SCRIPT: string = `${SOURCES_PRELUDE}
if not score or tonumber(score) > now then return {} end
if score ~= '0' then redis.call('ZADD', sources, 0, source) end
local topics = redis.call('SRANDMEMBER', KEYS[1] .. 'presence:topics:' .. source, tonumber(ARGV[2]))
if #topics > 0 then return topics end
redis.call('ZREM', sources, source)
redis.call('HDEL', answers, source)
return topics
`;
