/** The help texts. */

/** Printed by `pocketwire --help`. */
export const HELP = `Pocketwire: live updates over Server-Sent Events, in PocketBase's realtime protocol.

  pocketwire serve                     runs the service
  pocketwire listen chat 'news/*'      prints events as they arrive, and reconnects when the stream breaks
  pocketwire publish chat '{"n":1}'    publishes a message; with - it reads the data from standard input
  pocketwire erase 'users/7/*'         erases the history of topics
  pocketwire token --sub anna --subscribe 'room/*'
                                       creates a token for development

  --url http://127.0.0.1:8090   URL of the service, for listen, publish and erase (POCKETWIRE_URL)
  --key KEY                     admin key or token, for listen, publish and erase (REALTIME_ADMIN_KEY)
  --help                        after a command: the flags of that command
  --version                     prints the version

Try it, each command in its own terminal:

  pocketwire serve
  pocketwire listen chat
  pocketwire publish chat '{"text":"hello"}'
`;

/** Printed by `pocketwire <command> --help`. */
export const COMMAND_HELP = {
  serve: `pocketwire serve: runs the service until it receives SIGTERM or SIGINT.

Each flag takes precedence over the variable on its right. docs/configuration.md lists every variable.

  --host 127.0.0.1              address to listen on                   HOST
  --port 8090                   port to listen on; 0 takes a free port PORT
  --key KEY                     key for publishing and administration  REALTIME_ADMIN_KEY
  --origins https://a.example   origins of pages that may connect      REALTIME_ORIGINS
  --jwt-secret SECRET           secret that signs tokens               REALTIME_JWT_SECRET
  --workers 4                   processes that share the port; needs   WORKERS
                                REDIS_URL. Limits such as
                                REALTIME_MAX_CLIENTS apply to each one
  --data ./data                 folder that keeps messages on disk     REALTIME_DATA
  --history-seconds 300         how long messages stay in the history  REALTIME_HISTORY_SECONDS
  --console true                whether / shows the console            REALTIME_CONSOLE
  --log-level info              debug, info, warn, error or silent     LOG_LEVEL
`,
  listen: `pocketwire listen TOPIC...: prints one line for each message: its topic, a tab, its data.

  --last N       starts with the newest N messages of each topic
  --count N      exits with code 0 after N events
  --json         prints a JSON object on each line: {"event","topic","id","at","data","cursor"}. "event" is the TOPIC
                 that the message matches, and "cursor" the position from which a stream can resume.
  --url, --key   as in pocketwire --help
`,
  publish: `pocketwire publish TOPIC JSON: publishes a message and prints its id. With - it reads the data from standard input.
If the service answers 503, the command sends the message again with the same id, twice at most.

  --id ID        id of the message; the same id is delivered once, so a retry is safe
  --private      delivers only to clients with a right to the topic
  --ttl N        after N seconds the message is neither replayed nor listed
  --url, --key   as in pocketwire --help
`,
  erase: `pocketwire erase TOPIC: erases the history of a topic, of the topics below 'prefix/*', or of all topics with '*'. Prints the
number of erased messages.

  --url, --key   as in pocketwire --help; only the admin key may erase
`,
  token: `pocketwire token: prints a token that is signed with HS256.

  --sub NAME            user that the token belongs to (required)
  --subscribe PATTERN   topics with private messages that the user may receive; may be repeated
  --publish PATTERN     topics that the user may publish to; may be repeated
  --info JSON           what other users see of the user in topics with presence: '{"name":"Anna"}'
  --record JSON         the user's record, for @request.auth in rules: '{"role":"editor"}'
  --expires 1h          lifetime of the token: 30s, 15m, 1h, 7d (default 1h)
  --secret SECRET       secret of the service (default: REALTIME_JWT_SECRET)
`,
} as const;
