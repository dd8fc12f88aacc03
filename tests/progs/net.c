/* net.c: `net udp N [PORT]`: N datagrams of 100 bytes to 127.0.0.1. `net tcp N`: N connections over loopback, each closed at once.
 * The loopback device is brought up first, for namespaces of a test's own. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int up(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), bad;

	bad = fd < 0 || ioctl(fd, SIOCGIFFLAGS, &r);
	if (!bad && !(r.ifr_flags & IFF_UP)) {
		r.ifr_flags |= IFF_UP | IFF_RUNNING;
		bad = ioctl(fd, SIOCSIFFLAGS, &r);
	}
	close(fd);
	return bad;
}

static int udp(int n, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), in = socket(AF_INET, SOCK_DGRAM, 0), sent = 0;
	char text[100] = "hello";

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || in < 0 || bind(in, (struct sockaddr *)&to, sizeof(to)))
		return 1;
	for (int i = 0; i < n; i++)
		sent += sendto(fd, text, sizeof(text), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(text);
	printf("sent %d\n", sent);
	return 0;
}

static int tcp(int n)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 8) ||
	    getsockname(listener, (struct sockaddr *)&at, &size))
		return 1;
	for (int i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), peer;

		if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)))
			return 1;
		peer = accept(listener, NULL, NULL);
		close(fd);
		close(peer);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3 || up())
		return 2;
	if (!strcmp(argv[1], "udp"))
		return udp(atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 9000);
	return tcp(atoi(argv[2]));
}
