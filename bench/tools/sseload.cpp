// sseload: many clients and publishers of one service of Server-Sent Events. sseload opens the streams, publishes by
// POST, counts each delivery by a stamp in its data, and prints one line of JSON: the CPU time and memory of the
// server, and the latency of deliveries. If the server does not keep up, the line has `problem` and how much arrived,
// and the exit status is 3.
//
//   g++ -O2 -std=c++17 -o sseload sseload.cpp
//   ./sseload --port 8090 --pids 1234 --clients 1000 --messages 1000
//
// sseload uses one thread and epoll, so that the load generator is not the bottleneck.
#include <signal.h>
#include <sys/prctl.h>

#include "publisher.h"
#include "subscriber.h"
#include "usage.h"

/** The fields of the line that sseload prints. */
static string results;

static void add(const char* name, double value, int digits = 0) {
  char text[100];
  snprintf(text, sizeof text, "%s\"%s\":%.*f", results.empty() ? "" : ",", name, digits, value);
  results += text;
}

/** Prints the problem of the run, and ends sseload. */
[[noreturn]] static void giveUp(const string& phase) {
  // The text is written into JSON without escapes.
  for (char& c : problem) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') c = '\'';
  }
  printf("{\"problem\":\"%s\",\"phase\":\"%s\",\"deliveries\":%llu,\"expected\":%llu}\n", problem.c_str(), phase.c_str(),
         static_cast<unsigned long long>(deliveries.count), static_cast<unsigned long long>(deliveries.expected()));
  exit(3);
}

/** Makes the server collect garbage, if it has a route for that. */
static void collect() {
  if (!options.collectPath.empty()) postAndWait(options.collectPath, {}, "");
  if (!problem.empty()) giveUp("connecting");
}

static void connectAll(vector<Subscriber>& subscribers) {
  const Nanoseconds end = now() + options.timeout * kSecond;
  int opened = 0;
  while (readyCount + deadCount < options.clients && now() < end && problem.empty()) {
    while (opened < options.clients && opened - readyCount - deadCount < options.connecting) {
      subscribers[opened].open(opened);
      opened += 1;
    }
    pollOnce(50);
  }
  if (readyCount < options.clients) {
    const string time = now() < end ? "" : " in " + std::to_string(options.timeout) + " s";
    fail("opened " + std::to_string(readyCount) + " of " + std::to_string(options.clients) + " streams" + time);
  }
  if (!problem.empty()) giveUp("connecting");
}

/** Fails the run if the server has ended streams that must receive, or is too slow. */
static void checkProgress(Nanoseconds end, Nanoseconds lastDelivery) {
  const bool needsAll = options.receivers == 0;
  if (deadCount > (needsAll ? 0 : options.clients / 2)) {
    fail("ended " + std::to_string(deadCount) + " of " + std::to_string(options.clients) + " streams");
  }
  if (now() > end) fail("timed out after " + std::to_string(options.timeout) + " s");
  if (now() > lastDelivery + options.stall * kSecond) {
    fail("delivered nothing for " + std::to_string(options.stall) + " s");
  }
}

/** Publishes the messages and waits until all clients have received them. Without clients, waits for the answers. */
static void publishAll(vector<Publisher>& publishers, int messages) {
  deliveries.begin(messages, options.receivers > 0 ? options.receivers : readyCount);
  answerCount = 0;
  for (Publisher& publisher : publishers) publisher.isAnswered = publisher.isComplete = true;
  const Nanoseconds end = now() + options.timeout * kSecond;
  const bool hasClients = deliveries.clients > 0;
  int sent = 0;
  Nanoseconds next = 0;
  Nanoseconds lastDelivery = now();
  uint64_t seen = 0;
  while ((hasClients ? deliveries.completeCount : answerCount) < messages && problem.empty()) {
    const uint64_t arrived = deliveries.count + answerCount;
    if (arrived != seen) lastDelivery = now();
    seen = arrived;
    checkProgress(end, lastDelivery);
    for (Publisher& publisher : publishers) {
      if (sent == messages || now() < next) break;
      if (!publisher.isAnswered || (hasClients && !publisher.isComplete)) continue;
      publisher.publish(sent++);
      next = now() + options.every * kMillisecond;
    }
    pollOnce(1);
    for (const uint32_t message : deliveries.complete) {
      for (Publisher& publisher : publishers) {
        if (publisher.message == message) publisher.isComplete = true;
      }
    }
    deliveries.complete.clear();
  }
  const Nanoseconds answered = now() + 2 * kSecond;
  while (answerCount < sent && now() < answered && problem.empty()) pollOnce(1);
}

/** CPU seconds that sseload itself has used. */
static double own() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/** CPU microseconds of the server for each of `count`. */
static double each(const Usage& before, const Usage& after, double count) {
  return (after.cpuSeconds - before.cpuSeconds) * 1e6 / std::max(1.0, count);
}

/** Opens the streams, and measures what a connect and an open stream cost. */
static void measureConnects(vector<Subscriber>& subscribers) {
  collect();
  pollFor(200);
  const Usage empty = usageOf(options.pids);
  connectAll(subscribers);
  const Usage connected = usageOf(options.pids);
  pollFor(options.settle);
  collect();
  pollFor(300);
  const Usage settled = usageOf(options.pids);
  add("cpu_us_connect", each(empty, connected, options.clients), 1);
  add("bytes_per_client", double(settled.residentBytes - empty.residentBytes) / std::max(1, options.clients));
}

/** Waits without publishing, and measures the cost of a line that the server sends by itself, such as a heartbeat. */
static void measureIdle() {
  isCountingLines = true;
  const Usage before = usageOf(options.pids);
  pollFor(options.idle);
  const Usage after = usageOf(options.pids);
  isCountingLines = false;
  if (idleLines == 0) fail("sent nothing in " + std::to_string(options.idle) + " ms");
  if (!problem.empty()) giveUp("waiting");
  add("idle_lines", idleLines);
  add("cpu_us_idle_line", each(before, after, idleLines), 3);
}

static void measureDeliveries() {
  vector<Publisher> publishers(options.window);
  for (Publisher& publisher : publishers) publisher.open();
  if (options.warmup > 0) {
    publishAll(publishers, options.warmup);
    if (!problem.empty()) giveUp("warm-up");
    pollFor(100);
  }
  const double ownBefore = own();
  const Usage before = usageOf(options.pids);
  const Usage storeBefore = usageOf(options.storePids);
  const Nanoseconds began = now();
  publishAll(publishers, options.messages);
  const double seconds = double(now() - began) / kSecond;
  const Usage after = usageOf(options.pids);
  const Usage storeAfter = usageOf(options.storePids);
  const double ownSeconds = own() - ownBefore;
  if (!problem.empty()) giveUp("measurement");
  const double delivered = deliveries.count;
  add("deliveries", delivered);
  add("cpu_us_message", each(before, after, options.messages), 3);
  add("store_cpu_us", each(storeBefore, storeAfter, options.messages), 2);
  if (deliveries.count == 0) return;
  add("deliveries_per_s", delivered / seconds);
  add("cpu_us", each(before, after, delivered), 3);
  add("p50_us", deliveries.percentile(0.5));
  add("p99_us", deliveries.percentile(0.99));
  add("load_cpu_us", ownSeconds * 1e6 / delivered, 2);
}

int main(int count, char** words) {
  options = readOptions(count, words);
  signal(SIGPIPE, SIG_IGN);
  // The default timer slack of 50 µs would delay each wait, and so the measured latencies.
  prctl(PR_SET_TIMERSLACK, 1000);
  raiseFileLimit();
  poller = epoll_create1(0);
  vector<Subscriber> subscribers(options.clients);

  add("clients", options.clients);
  add("messages", options.messages);
  add("window", options.window);
  measureConnects(subscribers);
  if (options.idle > 0) measureIdle();
  if (options.messages > 0) measureDeliveries();
  printf("{%s}\n", results.c_str());
  for (Subscriber& subscriber : subscribers) subscriber.close();
  return 0;
}
