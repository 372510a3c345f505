/** A page that uses the hooks under StrictMode. The test renders it with properties. */
import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "../../../src/client.ts";
import { usePresence, useStatus, useSubscription } from "../../../src/react.ts";

export interface Props {
  readonly topic: string | null;
  /** Is in the texts of the messages, so that the test sees which callback was called. */
  readonly label?: string;
  readonly filter?: string;
  readonly hasPresence?: boolean;
}

export interface World {
  readonly token?: string;
  heard: string[];
  /** What the option `presence` was called with. */
  told: string[];
  /** Renders the page, or nothing. */
  render(props?: Props): void;
}

const world = globalThis as unknown as World;
world.heard = [];
world.told = [];

const realtime = connect(location.origin, { token: () => world.token });
const element = document.body.appendChild(document.createElement("section"));
element.id = "app";
const root = createRoot(element);

function Room({ topic, label = "", filter, hasPresence = false }: Props) {
  useSubscription(realtime, topic, ({ data }) => world.heard.push(label + JSON.stringify(data)), {
    ...(filter !== undefined && { filter }),
    ...(hasPresence && {
      presence: ({ members }) => world.told.push(label + members.map(({ id }) => id).join()),
    }),
  });
  const presence = usePresence(realtime, hasPresence ? topic : undefined);
  const status = useStatus(realtime);
  const members = presence?.members.map(({ id }) => id).join(", ") ?? "unknown";
  return createElement("p", null, `${status}; members: ${members}`);
}

world.render = (props) => {
  root.render(props && createElement(StrictMode, null, createElement(Room, props)));
};
