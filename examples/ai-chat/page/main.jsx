// The page. The address names the chat: /#my-chat. Every window with the same address shows the same chat.
import { useChat } from "@ai-sdk/react";
import { createChatTransport } from "pocketwire/ai";
import { connect } from "pocketwire/client";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const id = location.hash.slice(1) || crypto.randomUUID();
location.hash = id;
addEventListener("hashchange", () => location.reload());

/** The messages that the page shows. */
let shown = [];

const transport = createChatTransport({
  realtime: connect(location.origin),
  hasMessage: (messageId) => shown.some((message) => message.id === messageId),
});

async function loadMessages() {
  const response = await fetch(`/api/chat/${id}`);
  if (!response.ok) throw new Error("The chat could not be loaded.");
  return response.json();
}

function Chat({ stored }) {
  const [text, setText] = useState("");
  const [stopError, setStopError] = useState(undefined);
  const chat = useChat({ id, messages: stored, transport, resume: true });
  const { messages, setMessages, sendMessage, resumeStream, status, error } = chat;
  const isAnswering = status === "submitted" || status === "streaming";
  shown = messages;

  // Runs when another window has asked a question. Loads the question, and joins the answer.
  useEffect(() => {
    const onAnswer = async () => {
      setMessages(await loadMessages());
      await resumeStream();
    };
    return transport.onAnswer(id, onAnswer);
  }, [setMessages, resumeStream]);

  const onSubmit = (event) => {
    event.preventDefault();
    if (isAnswering || text.trim() === "") return;
    void sendMessage({ text });
    setText("");
  };
  // `stop` of useChat would end the answer in this window only.
  const stop = async () => {
    const response = await fetch(`/api/chat/${id}/stop`, { method: "POST" }).catch(() => undefined);
    setStopError(response?.ok ? undefined : "The answer could not be stopped. Try again.");
  };

  return (
    <>
      <h1>AI chat</h1>
      <p>
        Reload in the middle of an answer, or open <a href={location.href}>this chat</a> in a second
        window.
      </p>
      <ol aria-live="polite">
        {messages.map(({ id: messageId, role, parts }) => (
          <li key={messageId} data-role={role}>
            {parts.map((part) => (part.type === "text" ? part.text : "")).join("")}
          </li>
        ))}
      </ol>
      {error && <p role="alert">{error.message}</p>}
      {stopError && isAnswering && <p role="alert">{stopError}</p>}
      <form onSubmit={onSubmit}>
        <label>
          Your question
          <input value={text} onChange={(event) => setText(event.target.value)} maxLength={2000} />
        </label>
        <button type="submit" disabled={isAnswering}>
          Ask
        </button>
        <button type="button" disabled={!isAnswering} onClick={stop}>
          Stop
        </button>
      </form>
      <p role="status">{isAnswering ? "The model is answering." : "Ready."}</p>
    </>
  );
}

const stored = await loadMessages();
createRoot(document.querySelector("#chat")).render(<Chat stored={stored} />);
