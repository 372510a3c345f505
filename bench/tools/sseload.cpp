// sseload - SSE fan-out load generator. One thread, epoll, no dependencies.
//   g++ -O2 -std=c++17 -o sseload sseload.cpp
// Opens N event-stream GETs, waits for all response heads, publishes M events by
// POST and counts every delivery by the marker "@@<seq:8 hex><monotonic ns:16 hex>"
// carried in the payload (chunked framing is decoded first, so a marker cut by a read
// or by a chunk boundary still counts). Prints one JSON line; server CPU comes from
// /proc/PID (all --pids and their descendants).
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>
using namespace std;
typedef uint64_t u64;
static u64 now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}
[[noreturn]] static void die(const string& m) {
  fprintf(stderr, "sseload: %s (%s)\n", m.c_str(), strerror(errno));
  exit(2);
}

// ---- options
static string path = "/events", pubPath = "/publish", tmpl = "%D", lei, label, gcPath,
              method = "POST";
static vector<string> hdrs, pubHdrs;
static vector<int> pids;
static int port = 0, pubPort = 0, N = 100, M = 1000, K = 1, S = 120, connc = 128, settle = 500,
           slow = 0, cycles = 0, idle = 0, timeoutS = 60, slowHold = 0, warm = 0;
static double rate = 0;
static int burst = 1;
static bool spin = false, fin = false;
static int nap = 0;

// ---- server accounting
struct Cpu {
  double stat = 0, sched = 0, user = 0;
  long rss = 0;
};
static void pidTree(set<int>& out) {
  vector<pair<int, int>> pp;
  DIR* d = opendir("/proc");
  if (!d)
    return;
  while (dirent* e = readdir(d)) {
    int p = atoi(e->d_name);
    if (p <= 0)
      continue;
    char f[64], b[1024];
    snprintf(f, 64, "/proc/%d/stat", p);
    FILE* h = fopen(f, "r");
    if (!h)
      continue;
    size_t n = fread(b, 1, 1023, h);
    fclose(h);
    b[n] = 0;
    char* q = strrchr(b, ')');
    int pp1;
    char st;
    if (q && sscanf(q + 1, " %c %d", &st, &pp1) == 2)
      pp.push_back({p, pp1});
  }
  closedir(d);
  for (int p : pids)
    out.insert(p);
  for (bool more = true; more;) {
    more = false;
    for (auto& x : pp)
      if (out.count(x.second) && out.insert(x.first).second)
        more = true;
  }
}
static Cpu cpu() {
  Cpu c;
  set<int> ps;
  pidTree(ps);
  double hz = sysconf(_SC_CLK_TCK);
  for (int p : ps) {
    char f[64], b[1024];
    snprintf(f, 64, "/proc/%d/stat", p);
    FILE* h = fopen(f, "r");
    if (!h)
      continue;
    size_t n = fread(b, 1, 1023, h);
    fclose(h);
    b[n] = 0;
    char* q = strrchr(b, ')');
    unsigned long ut, stt;
    long rss;
    if (q && sscanf(q + 2,
                    "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d "
                    "%*u %*u %ld",
                    &ut, &stt, &rss) == 3) {
      c.stat += (ut + stt) / hz;
      c.user += ut / hz;
      c.rss += rss * sysconf(_SC_PAGESIZE);
    }
    snprintf(f, 64, "/proc/%d/task", p);
    if (DIR* d = opendir(f)) {
      while (dirent* e = readdir(d)) {
        if (e->d_name[0] == '.')
          continue;
        char g[160];
        snprintf(g, 160, "/proc/%d/task/%s/schedstat", p, e->d_name);
        if (FILE* s = fopen(g, "r")) {
          unsigned long long ns;
          if (fscanf(s, "%llu", &ns) == 1)
            c.sched += ns / 1e9;
          fclose(s);
        }
      }
      closedir(d);
    }
  }
  return c;
}

// ---- connections
static int ep;
static char rbuf[1 << 18];
static u64 rxBytes = 0;
struct Conn {
  int fd = -1;
  uint8_t st = 0 /*0 connecting 1 head 2 body 3 dead*/;
  bool chunked = false, slow = false;
  string head;
  int cst = 0;
  u64 cleft = 0;  // chunk decoder: 0 size 1 size-ext 2 data 3 crlf
  int ms = 0;
  char mk[24];  // marker scanner
  int kind = 0;
  int idx = 0;
};
static vector<uint32_t> recvd;
static vector<u64> sentAt;
static vector<float> lat;  // us
static u64 deliveries = 0, dupBytes = 0;
static int target = 0, completed = 0, ready = 0, deadc = 0, badStatus = 0;
static vector<int> doneQ;
static u64 tNow = 0, lastDelivery = 0;
static bool measuring = false;
static inline int hexv(char c) {
  return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}
static void onMarker(const char* m) {
  u64 seq = 0, ts = 0;
  for (int i = 0; i < 8; i++)
    seq = seq << 4 | hexv(m[i]);
  for (int i = 8; i < 24; i++)
    ts = ts << 4 | hexv(m[i]);
  if (!measuring || seq >= recvd.size()) {
    dupBytes++;
    return;
  }
  deliveries++;
  lastDelivery = tNow;
  lat.push_back((tNow - ts) / 1e3f);
  if ((int)++recvd[seq] == target) {
    completed++;
    doneQ.push_back(seq);
  }
}
static void scan(Conn& c, const char* p, const char* e) {
  while (p < e) {
    if (c.ms == 0) {
      p = (const char*)memchr(p, '@', e - p);
      if (!p)
        return;
      p++;
      c.ms = 1;
    } else if (c.ms == 1) {
      if (*p == '@') {
        c.ms = 2;
      } else
        c.ms = 0;
      p++;
    } else {
      int have = c.ms - 2, n = min<long>(24 - have, e - p);
      memcpy(c.mk + have, p, n);
      p += n;
      c.ms += n;
      if (c.ms == 26) {
        c.ms = 0;
        onMarker(c.mk);
      }
    }
  }
}
static void body(Conn& c, const char* p, const char* e) {
  if (!c.chunked)
    return scan(c, p, e);
  while (p < e)
    switch (c.cst) {
      case 0:
        if (*p == '\n')
          c.cst = 2;
        else if (isxdigit(*p))
          c.cleft = c.cleft << 4 | hexv(*p);
        else if (*p == ';')
          c.cst = 1;
        p++;
        break;
      case 1:
        if (*p == '\n')
          c.cst = 2;
        p++;
        break;
      case 2: {
        if (!c.cleft) {
          p = e;
          break;
        }
        u64 n = min<u64>(c.cleft, e - p);
        scan(c, p, p + n);
        p += n;
        c.cleft -= n;
        if (!c.cleft)
          c.cst = 3;
        break;
      }
      case 3:
        if (*p == '\n') {
          c.cst = 0;
          c.cleft = 0;
        }
        p++;
        break;
    }
}
static string req(const string& m, const string& pth, const vector<string>& hs, const string* b) {
  string r = m + " " + pth + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  for (auto& h : hs)
    r += h + "\r\n";
  if (b)
    r += "Content-Length: " + to_string(b->size()) + "\r\n";
  r += "\r\n";
  if (b)
    r += *b;
  return r;
}
static int tcp(int pt, bool block, int rcvbuf = 0) {
  int fd = socket(AF_INET, SOCK_STREAM | (block ? 0 : SOCK_NONBLOCK), 0);
  if (fd < 0)
    die("socket");
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (rcvbuf)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(pt);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (sockaddr*)&a, sizeof a) < 0 && errno != EINPROGRESS)
    die("connect");
  return fd;
}
static vector<Conn> cs;
static string getReq;
static void dead(Conn& c) {
  if (c.st == 3)
    return;
  if (c.st < 2)
    badStatus++;
  c.st = 3;
  close(c.fd);
  c.fd = -1;
  deadc++;
}
static void onSub(Conn& c, uint32_t ev) {
  if (c.st == 3)
    return;
  if (c.st == 0) {
    if (ev & (EPOLLERR | EPOLLHUP))
      return dead(c);
    if (!(ev & EPOLLOUT))
      return;
    if (send(c.fd, getReq.data(), getReq.size(), MSG_NOSIGNAL) != (ssize_t)getReq.size())
      return dead(c);
    c.st = 1;
    epoll_event e{EPOLLIN, {.ptr = &c}};
    epoll_ctl(ep, EPOLL_CTL_MOD, c.fd, &e);
    return;
  }
  ssize_t n = recv(c.fd, rbuf, sizeof rbuf, 0);
  if (n <= 0) {
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    return dead(c);
  }
  rxBytes += n;
  const char* p = rbuf;
  const char* e = rbuf + n;
  if (c.st == 1) {
    size_t old = c.head.size();
    c.head.append(p, n);
    size_t x = c.head.find("\r\n\r\n");
    if (x == string::npos)
      return;
    p += x + 4 - old;
    string h = c.head.substr(0, x);
    for (auto& ch : h)
      ch = tolower(ch);
    c.chunked = h.find("transfer-encoding: chunked") != string::npos;
    if (h.compare(0, 12, "http/1.1 200")) {
      if (!badStatus)
        fprintf(stderr, "bad response: %s\n", h.c_str());
      return dead(c);
    }
    string().swap(c.head);
    c.st = 2;
    ready++;
    if (c.slow) {
      epoll_ctl(ep, EPOLL_CTL_DEL, c.fd, 0);
      return;
    }
  }
  body(c, p, e);
}
// ---- publishers: K keep-alive slots, one POST in flight on each
struct Pub : Conn {
  long seq = -1;
  bool delivered = true, answered = true;
  string in;
};
static vector<Pub> pubs;
static int resp = 0, respBad = 0;
static string payload(u64 seq, u64 ts) {
  char b[64];
  snprintf(b, 64, "@@%08llx%016llx", (unsigned long long)seq, (unsigned long long)ts);
  string d = string("{\"m\":\"") + b + "\",\"user\":\"u42\",\"text\":\"";
  int pad = S - (int)d.size() - 2;
  if (pad > 0)
    for (int i = 0; i < pad; i++)
      d += "abcdefghijklmnopqrstuvwxyz0123456789 -"[(i * 7 + seq) % 38];
  return d + "\"}";
}
static string esc(const string& s) {
  string o;
  for (char ch : s) {
    if (ch == '"' || ch == '\\')
      o += '\\';
    o += ch;
  }
  return o;
}
static string fill(u64 seq, u64 ts) {
  string d = payload(seq, ts), o;
  for (size_t i = 0; i < tmpl.size(); i++)
    if (tmpl[i] == '%' && i + 1 < tmpl.size() && strchr("DEI", tmpl[i + 1])) {
      char k = tmpl[++i];
      o += k == 'D' ? d : k == 'E' ? esc(d) : to_string(seq + 1);
    } else
      o += tmpl[i];
  return o;
}
static void publish(Pub& p, u64 seq) {
  u64 t = now();
  sentAt[seq] = t;
  string b = fill(seq, t), r = req(method, pubPath, pubHdrs, &b);
  p.seq = seq;
  p.delivered = p.answered = false;
  p.in.clear();
  if (send(p.fd, r.data(), r.size(), MSG_NOSIGNAL) != (ssize_t)r.size())
    die("publish send");
}
static bool respDone(const string& s, int& code) {
  size_t x = s.find("\r\n\r\n");
  if (x == string::npos)
    return false;
  code = atoi(s.c_str() + 9);
  string h = s.substr(0, x);
  for (auto& c : h)
    c = tolower(c);
  size_t cl = h.find("content-length:");
  if (cl != string::npos)
    return s.size() >= x + 4 + atol(h.c_str() + cl + 15);
  if (h.find("transfer-encoding: chunked") != string::npos)
    return s.size() >= 5 && s.compare(s.size() - 5, 5, "0\r\n\r\n") == 0;
  return true;
}
static void reopen(Pub& p) {
  if (p.fd >= 0)
    close(p.fd);
  p.kind = 1;
  p.fd = tcp(pubPort, true);
  fcntl(p.fd, F_SETFL, O_NONBLOCK);
  epoll_event e{EPOLLIN, {.ptr = &p}};
  epoll_ctl(ep, EPOLL_CTL_ADD, p.fd, &e);
}
static void onPub(Pub& p) {
  ssize_t n = recv(p.fd, rbuf, sizeof rbuf, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    if (!p.answered)
      die("publisher connection closed");
    reopen(p);
    return;
  }
  p.in.append(rbuf, n);
  int code = 0;
  if (respDone(p.in, code)) {
    p.answered = true;
    resp++;
    if (strcasestr(p.in.c_str(), "\r\nconnection: close"))
      reopen(p);
    if (code >= 300) {
      if (!respBad++)
        fprintf(stderr, "publish answer: %s\n", p.in.c_str());
    }
  }
}
static void poll(int ms) {
  static epoll_event ev[2048];
  int n = epoll_wait(ep, ev, 2048, ms);
  for (int i = 0; i < n; i++) {
    if ((i & 31) == 0)
      tNow = now();
    Conn* c = (Conn*)ev[i].data.ptr;
    if (c->kind)
      onPub(*(Pub*)c);
    else {
      tNow = now();
      onSub(*c, ev[i].events);
    }
  }
  tNow = now();
}
static void sleepPoll(int ms) {
  u64 t = now() + ms * 1000000ull;
  while (now() < t)
    poll(max<int>(1, min<long>(20, (t - now()) / 1000000)));
}
static string simple(const string& m, const string& pth) {
  int fd = tcp(pubPort, true);
  string b, r = req(m, pth, {"Connection: close"}, m == "GET" ? nullptr : &b), o;
  if (send(fd, r.data(), r.size(), MSG_NOSIGNAL) < 0)
    die("send");
  char t[4096];
  ssize_t n;
  while ((n = recv(fd, t, sizeof t, 0)) > 0)
    o.append(t, n);
  close(fd);
  size_t x = o.find("\r\n\r\n");
  return x == string::npos ? o : o.substr(x + 4);
}
static double connectAll() {
  cs.clear();
  cs.resize(N);
  ready = deadc = badStatus = 0;
  u64 t0 = now();
  int opened = 0;
  for (u64 lim = now() + timeoutS * 1000000000ull; ready + deadc < N;) {
    while (opened < N && opened - ready - deadc < connc) {
      Conn& c = cs[opened];
      c.idx = opened;
      c.slow = opened < slow;
      c.fd = tcp(port, false, c.slow ? 4096 : 0);
      epoll_event e{EPOLLOUT, {.ptr = &c}};
      if (epoll_ctl(ep, EPOLL_CTL_ADD, c.fd, &e))
        die("epoll_ctl");
      opened++;
    }
    poll(50);
    if (now() > lim) {
      fprintf(stderr, "connect timeout: ready %d dead %d\n", ready, deadc);
      break;
    }
  }
  return (now() - t0) / 1e9;
}
static void closeAll() {
  for (auto& c : cs)
    if (c.fd >= 0) {
      if (!fin) {
        linger l{1, 0};
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
      }
      close(c.fd);
      c.fd = -1;
    }
}
int main(int ac, char** av) {
  for (int i = 1; i < ac; i++) {
    string a = av[i];
    auto v = [&]() -> string {
      if (++i >= ac)
        die("value wanted for " + a);
      return av[i];
    };
    if (a == "--port")
      port = stoi(v());
    else if (a == "--pub-port")
      pubPort = stoi(v());
    else if (a == "--path")
      path = v();
    else if (a == "--pub-path")
      pubPath = v();
    else if (a == "--hdr")
      hdrs.push_back(v());
    else if (a == "--pub-hdr")
      pubHdrs.push_back(v());
    else if (a == "--tmpl")
      tmpl = v();
    else if (a == "--lei")
      lei = v();
    else if (a == "--label")
      label = v();
    else if (a == "--gc")
      gcPath = v();
    else if (a == "--method")
      method = v();
    else if (a == "-n")
      N = stoi(v());
    else if (a == "-m")
      M = stoi(v());
    else if (a == "--window")
      K = stoi(v());
    else if (a == "--size")
      S = stoi(v());
    else if (a == "--rate")
      rate = stod(v());
    else if (a == "--burst")
      burst = stoi(v());
    else if (a == "--connc")
      connc = stoi(v());
    else if (a == "--settle")
      settle = stoi(v());
    else if (a == "--slow")
      slow = stoi(v());
    else if (a == "--slow-hold")
      slowHold = stoi(v());
    else if (a == "--cycles")
      cycles = stoi(v());
    else if (a == "--idle")
      idle = stoi(v());
    else if (a == "--timeout")
      timeoutS = stoi(v());
    else if (a == "--warm")
      warm = stoi(v());
    else if (a == "--spin")
      spin = true;
    else if (a == "--nap")
      nap = stoi(v());
    else if (a == "--fin")
      fin = true;
    else if (a == "--pids") {
      string s = v();
      for (size_t k = 0; k < s.size();) {
        size_t e = s.find(',', k);
        if (e == string::npos)
          e = s.size();
        pids.push_back(stoi(s.substr(k, e - k)));
        k = e + 1;
      }
    } else
      die("unknown option " + a);
  }
  if (!port)
    die("--port");
  if (!pubPort)
    pubPort = port;
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1000);
  rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  ep = epoll_create1(0);
  vector<string> h = {"Accept: text/event-stream"};
  if (!lei.empty())
    h.push_back("Last-Event-ID: " + lei);
  for (auto& x : hdrs)
    h.push_back(x);
  getReq = req("GET", path, h, nullptr);
  if (pubHdrs.empty())
    pubHdrs.push_back("Content-Type: application/json");
  auto gc = [&]() {
    if (!gcPath.empty())
      simple("POST", gcPath);
  };
  gc();
  sleepPoll(200);
  Cpu a = cpu();
  if (cycles) {
    for (int k = 0; k < cycles; k++) {
      Cpu b0 = cpu();
      double t = connectAll();
      Cpu b1 = cpu();
      sleepPoll(300);
      Cpu b = cpu();
      closeAll();
      sleepPoll(1500);
      gc();
      sleepPoll(500);
      Cpu z = cpu();
      printf(
          "{\"label\":\"%s\",\"cycle\":%d,\"n\":%d,\"ready\":%d,\"conn_s\":%.0f,\"cpu_us_conn\":%."
          "1f,\"rss_up\":%ld,\"rss_after\":%ld,\"stats\":%s}\n",
          label.c_str(), k, N, ready, ready / t, (b1.sched - b0.sched) * 1e6 / max(1, ready), b.rss,
          z.rss, gcPath.empty() ? "null" : simple("GET", "/stats").c_str());
      fflush(stdout);
    }
    return 0;
  }
  Cpu c0 = cpu();
  double ct = connectAll();
  Cpu c1 = cpu();
  sleepPoll(settle);
  gc();
  sleepPoll(300);
  Cpu c2 = cpu();
  if (ready < N) {
    fprintf(stderr, "only %d of %d ready\n", ready, N);
    if (!ready)
      return 1;
  }
  double idleCpu = 0, idleStat = 0;
  u64 idleBytes = 0;
  if (idle) {
    u64 b0 = rxBytes;
    Cpu x = cpu();
    sleepPoll(idle * 1000);
    Cpu y = cpu();
    idleCpu = y.sched - x.sched;
    idleStat = y.stat - x.stat;
    idleBytes = rxBytes - b0;
  }
  target = ready - slow;
  pubs.resize(K);
  for (auto& p : pubs)
    reopen(p);
  double wall = 0;
  Cpu m0, m1;
  int T = 0;
  u64 tStart = 0, tEnd = 0;
  rusage r0, r1;
  bool timedOut = false;
  for (int phase = warm ? 0 : 1; phase < 2 && M; phase++) {  // phase 0: warm-up, not reported
    T = phase ? M : warm;
    recvd.assign(T, 0);
    sentAt.assign(T, 0);
    lat.clear();
    lat.reserve((size_t)T * max(1, target));
    deliveries = 0;
    completed = 0;
    doneQ.clear();
    measuring = true;
    resp = 0;
    for (auto& p : pubs)
      p.delivered = p.answered = true;
    m0 = cpu();
    getrusage(RUSAGE_SELF, &r0);
    tStart = now();
    int sent = 0;
    u64 nextT = tStart;
    u64 lim = tStart + timeoutS * 1000000000ull;
    timedOut = false;
    while (completed < T) {
      u64 t = now();
      if (t > lim || deadc > N / 2) {
        timedOut = true;
        break;
      }
      if (rate > 0) {
        while (sent < T && t >= nextT) {
          int did = 0;
          for (auto& p : pubs)
            if (did < burst && sent < T && p.answered) {
              publish(p, sent++);
              did++;
            }
          if (did < burst && sent < T)
            break;
          nextT += (u64)(1e9 * burst / rate);
        }
      } else
        for (auto& p : pubs)
          if (sent < T && p.answered && p.delivered)
            publish(p, sent++);
      if (nap) {
        timespec ts{0, nap * 1000};
        nanosleep(&ts, nullptr);
        poll(0);
      } else
        poll(spin ? 0 : 1);
      if (rate <= 0 && !doneQ.empty()) {
        for (int s : doneQ)
          for (auto& p : pubs)
            if (p.seq == s)
              p.delivered = true;
      }
      doneQ.clear();
    }
    tEnd = now();
    getrusage(RUSAGE_SELF, &r1);
    if (target == 0)
      break;
    u64 w = now() + 2000000000ull;
    while (resp < sent && now() < w)
      poll(1);
    m1 = cpu();
    wall = (tEnd - tStart) / 1e9;
    measuring = false;
    if (!phase)
      sleepPoll(100);
  }
  if (slowHold)
    sleepPoll(slowHold * 1000);
  Cpu z = cpu();
  auto q = [&](double f) -> double {
    if (lat.empty())
      return 0;
    size_t k = min(lat.size() - 1, (size_t)(f * lat.size()));
    nth_element(lat.begin(), lat.begin() + k, lat.end());
    return lat[k];
  };
  double me =
      (r1.ru_utime.tv_sec - r0.ru_utime.tv_sec + r1.ru_stime.tv_sec - r0.ru_stime.tv_sec) +
      (r1.ru_utime.tv_usec - r0.ru_utime.tv_usec + r1.ru_stime.tv_usec - r0.ru_stime.tv_usec) / 1e6;
  double D = max<u64>(1, deliveries);
  printf(
      "{\"label\":\"%s\",\"n\":%d,\"ready\":%d,\"dead\":%d,\"m\":%d,\"window\":%d,\"rate\":%.0f,"
      "\"deliveries\":%llu,\"wall\":%.3f,\"dps\":%.0f,\"cpu_us\":%.3f,\"cpu_us_stat\":%.3f,\"user_"
      "us\":%.2f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f,"
      "\"conn_s\":%.0f,\"cpu_us_conn\":%.1f,\"rss0\":%ld,\"rss_conn\":%ld,\"rss_per_conn\":%.0f,"
      "\"rss_end\":%ld,\"idle_cpu_s\":%.4f,\"idle_stat_s\":%.3f,\"idle_bytes\":%llu,\"bytes_per_"
      "delivery\":%.1f,\"lg_cpu_us\":%.2f,\"timed_out\":%d,\"bad_pub\":%d}\n",
      label.c_str(), N, ready, deadc, M, K, rate, (unsigned long long)deliveries, wall,
      wall ? deliveries / wall : 0, (m1.sched - m0.sched) * 1e6 / D, (m1.stat - m0.stat) * 1e6 / D,
      (m1.user - m0.user) * 1e6 / D, q(.5), q(.99), q(1), ready / ct,
      (c1.sched - c0.sched) * 1e6 / max(1, ready), a.rss, c2.rss,
      double(c2.rss - a.rss) / max(1, ready), z.rss, idleCpu, idleStat,
      (unsigned long long)idleBytes, rxBytes / D, me * 1e6 / D, (int)timedOut, respBad);
  fflush(stdout);
  closeAll();
  return timedOut ? 3 : 0;
}
