const PAGE = {
  limit: "Number of entries of a page. Default 100.",
  after: "The `next` of the page before.",
};

/** What query parameters mean that have no description of their own, by `operationId`. */
export const PARAMETER_DESCRIPTIONS: Readonly<
  Record<string, Readonly<Record<string, string>> | undefined>
> = {
  connect: {
    topic:
      "A topic, `prefix/*` or `*`, to which the client is subscribed at once. It may have options. Repeat the parameter for several.",
    last: "Begins with so many of the newest messages of each topic.",
  },
  history: {
    topic: "A topic, `prefix/*` or `*`. Repeat the parameter for several.",
    after: "A cursor. The page has the messages after it.",
    before: "A cursor. The page has the messages before it.",
    limit: "Maximum number of messages. Default 100.",
  },
  erase: { topic: "A topic, `prefix/*` or `*`." },
  presence: { topic: "A topic whose rule has presence." },
  listClients: PAGE,
  listTopics: PAGE,
  topicRules: { topic: "A topic. The response says which rule applies to it." },
  readClient: { id: "The client id." },
  disconnectClient: { id: "The client id." },
};
