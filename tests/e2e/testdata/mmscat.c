/* mmscat writes a stream that libmms reads, header and packets, to standard output. usage: mmscat URL */
#include <stdio.h>
#include <libmms/mmsx.h>

enum { BANDWIDTH = 10 * 1000 * 1000 }; /* bit/s: take every stream */

int main(int argc, char **argv)
{
	static char buf[65536];
	mmsx_t *stream;
	int n;

	if (argc != 2) {
		fprintf(stderr, "usage: mmscat URL\n");
		return 2;
	}
	stream = mmsx_connect(NULL, NULL, argv[1], BANDWIDTH);
	if (!stream) {
		fprintf(stderr, "[error] mmscat: no connection to %s\n", argv[1]);
		return 1;
	}
	/* Small reads: libmms fills the whole buffer before it returns. */
	while ((n = mmsx_read(NULL, stream, buf, 1024)) > 0) {
		if (fwrite(buf, 1, n, stdout) != (size_t)n || fflush(stdout) != 0)
			return 1;
	}
	mmsx_close(stream);
	fprintf(stderr, "[error] mmscat: the stream ended\n");
	return 0;
}
