// bcast - minimal one-thread epoll SSE broadcaster: the floor for one thread. bcast PORT
// [each|batch]
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>
using namespace std;
struct C {
  string in;
  bool sub = false;
  int pos = -1;
};
static vector<C*> tab;
static vector<int> subs;
static int ep;
static string pend;
static bool batch;
static unsigned long id = 0, drops = 0;
static void put(int fd, const char* p, size_t n) {
  ssize_t r = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (r != (ssize_t)n)
    drops++;
}
static string chunk(const string& s) {
  char h[16];
  snprintf(h, 16, "%zx\r\n", s.size());
  return h + s + "\r\n";
}
static void flush() {
  if (pend.empty())
    return;
  string f = chunk(pend);
  pend.clear();
  for (int fd : subs)
    put(fd, f.data(), f.size());
}
static void drop(int fd) {
  C* c = tab[fd];
  if (c->pos >= 0) {
    int l = subs.back();
    subs[c->pos] = l;
    tab[l]->pos = c->pos;
    subs.pop_back();
  }
  delete c;
  tab[fd] = nullptr;
  close(fd);
}
int main(int ac, char** av) {
  int port = atoi(av[1]);
  batch = ac > 2 && !strcmp(av[2], "batch");
  signal(SIGPIPE, SIG_IGN);
  tab.resize(65536);
  rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, 4);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(ls, (sockaddr*)&a, sizeof a) || listen(ls, 4096)) {
    perror("bind");
    return 1;
  }
  ep = epoll_create1(0);
  epoll_event e{EPOLLIN, {.fd = ls}};
  epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
  static epoll_event ev[1024];
  static char b[65536];
  for (;;) {
    int n = epoll_wait(ep, ev, 1024, -1);
    for (int i = 0; i < n; i++) {
      int fd = ev[i].data.fd;
      if (fd == ls) {
        int c;
        while ((c = accept4(ls, 0, 0, SOCK_NONBLOCK)) >= 0) {
          setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, 4);
          tab[c] = new C;
          epoll_event x{EPOLLIN, {.fd = c}};
          epoll_ctl(ep, EPOLL_CTL_ADD, c, &x);
        }
        continue;
      }
      C* c = tab[fd];
      if (!c)
        continue;
      ssize_t r = recv(fd, b, sizeof b, 0);
      if (r <= 0) {
        drop(fd);
        continue;
      }
      c->in.append(b, r);
      for (;;) {
        size_t x = c->in.find("\r\n\r\n");
        if (x == string::npos)
          break;
        if (!c->in.compare(0, 11, "GET /events")) {
          static const char* h =
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: "
              "no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
          put(fd, h, strlen(h));
          c->sub = true;
          c->pos = subs.size();
          subs.push_back(fd);
          string().swap(c->in);
          break;
        }
        size_t cl = c->in.find("Content-Length: ");
        size_t len = cl < x ? atol(c->in.c_str() + cl + 16) : 0;
        if (c->in.size() < x + 4 + len)
          break;
        pend +=
            "event: msg\nid: " + to_string(++id) + "\ndata: " + c->in.substr(x + 4, len) + "\n\n";
        c->in.erase(0, x + 4 + len);
        static const char* ok = "HTTP/1.1 204 No Content\r\n\r\n";
        put(fd, ok, strlen(ok));
        if (!batch)
          flush();
      }
    }
    if (batch)
      flush();
  }
}
