/* command: the file that a command's name means, as execvp(3) finds it, and what else starting it needs.
 *
 * Both engines start commands in their own way; what is started is decided here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/rt.h"

static int try_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return access(path, X_OK) ? -errno : 0;
}

/* The first executable of that name in PATH; a file that may not be executed is remembered as the
 * reason when there is no other. */
static int resolve(struct arena *a, const char *name, char **out)
{
	const char *env = getenv("PATH");
	str rest = str_of(env ? env : "/usr/local/bin:/usr/bin:/bin"), dir;
	int err, why = -ENOENT;

	*out = str_z(a, str_of(name));
	if (strchr(name, '/'))
		return try_file(name);
	for (bool more = name[0] != 0; more;) {
		more = str_find(rest, ':', 0) >= 0;
		dir = str_cut(&rest, ':');
		*out = str_z(a,
			     str_printf(a, STR_FMT "/%s", STR_ARG(dir.n ? dir : STR(".")), name));
		err = try_file(*out);
		if (!err)
			return 0;
		/* Not for a directory of PATH that may not be searched. */
		if (err == -EACCES && access(*out, F_OK) == 0)
			why = err;
	}
	return why;
}

static char **shell_argv(struct arena *a, char *path, char *const argv[])
{
	u32 n = 0;
	char **out;

	while (argv[n])
		n++;
	out = arena_array_of(a, char *, n + 3);
	out[0] = str_z(a, STR("sh"));
	out[1] = path;
	for (u32 i = 1; i < n; i++)
		out[i + 1] = argv[i];
	return out;
}

int rt_command_find(struct arena *a, char *const argv[], struct rt_command *out, struct err *e)
{
	int err = resolve(a, argv[0], &out->path);
	const char *slash;

	if (err)
		return err_set(e, err, "rt", "'%s' cannot be run: %s", argv[0],
			       err == -ENOENT ? "there is no such command" : strerror(-err));
	slash = strrchr(out->path, '/');
	out->name = slash ? slash + 1 : out->path;
	out->argv = argv;
	out->shell = shell_argv(a, out->path, argv);
	return 0;
}
