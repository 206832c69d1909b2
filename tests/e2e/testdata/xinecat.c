/* xinecat writes the pictures of a stream that xine plays, at xine's pace, to a pipe as YUV4MPEG. usage: xinecat URL PIPE */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xine.h>

static FILE *out;
static xine_stream_t *stream;

static void plane(const char *from, int stride, int width, int height)
{
	for (; height > 0; height--, from += stride)
		fwrite(from, 1, width, out);
}

/* Pictures come with an edge at the right and below, which the decoder works with. */
static void picture(void *data, int format, int stride, int rows, double aspect, void *y, void *u, void *v)
{
	static int width, height;

	if (format != XINE_VORAW_YV12) {
		fprintf(stderr, "[error] xinecat: picture of format %d\n", format);
		return;
	}
	if (!width) {
		width = xine_get_stream_info(stream, XINE_STREAM_INFO_VIDEO_WIDTH);
		height = xine_get_stream_info(stream, XINE_STREAM_INFO_VIDEO_HEIGHT);
		fprintf(out, "YUV4MPEG2 W%d H%d F25:1 Ip A1:1\n", width, height);
	}
	fprintf(out, "FRAME\n");
	plane(y, stride, width, height);
	plane(u, stride / 2, width / 2, height / 2);
	plane(v, stride / 2, width / 2, height / 2);
	fflush(out);
}

static void overlay(void *data, int n, raw_overlay_t *overlays)
{
}

static void event(void *data, const xine_event_t *e)
{
	if (e->type != XINE_EVENT_UI_PLAYBACK_FINISHED)
		return;
	fprintf(stderr, "[error] xinecat: the stream ended\n");
	_exit(0); /* xine's threads are in the way of a proper end */
}

int main(int argc, char **argv)
{
	raw_visual_t visual = {NULL, XINE_VORAW_YV12, picture, overlay};
	xine_video_port_t *video;
	xine_audio_port_t *audio;
	xine_t *xine;

	if (argc != 3 || !(out = fopen(argv[2], "w"))) {
		fprintf(stderr, "usage: xinecat URL PIPE\n");
		return 2;
	}
	xine = xine_new();
	xine_init(xine);
	video = xine_open_video_driver(xine, "raw", XINE_VISUAL_TYPE_RAW, &visual);
	audio = xine_open_audio_driver(xine, "none", NULL);
	stream = video && audio ? xine_stream_new(xine, audio, video) : NULL;
	if (!stream) {
		fprintf(stderr, "[error] xinecat: xine has no raw video or no audio\n");
		return 1;
	}
	xine_event_create_listener_thread(xine_event_new_queue(stream), event, NULL);
	if (!xine_open(stream, argv[1]) || !xine_play(stream, 0, 0)) {
		fprintf(stderr, "[error] xinecat: %s: xine's error %d\n", argv[1], xine_get_error(stream));
		return 1;
	}
	for (;;)
		pause();
}
