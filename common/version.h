/* version.h: what the build decided: version, paths, options.
 *
 * The build system defines each as a macro; what it leaves out has the values
 * of a plain installation under /usr/local. */
#ifndef MUXD_COMMON_VERSION_H
#define MUXD_COMMON_VERSION_H

#ifndef MUXD_VERSION
#define MUXD_VERSION "0.1.0"
#endif

/* What Server headers and log lines call the program. */
#define MUXD_NAME "muxd/" MUXD_VERSION

/* Folder that relative paths of the configuration start from; ends in '/'. */
#ifndef MUXD_PREFIX
#define MUXD_PREFIX "/usr/local/share/muxd/"
#endif

/* A relative one starts from the prefix. */
#ifndef MUXD_CONF_PATH
#define MUXD_CONF_PATH "/usr/local/etc/muxd/muxd.conf"
#endif

/* Where errors go until, and unless, the configuration says. */
#ifndef MUXD_ERROR_LOG_PATH
#define MUXD_ERROR_LOG_PATH "/var/log/muxd/error.log"
#endif

#ifndef MUXD_PID_PATH
#define MUXD_PID_PATH "/run/muxd.pid"
#endif

/* The user that workers of a master run by root become. */
#ifndef MUXD_USER
#define MUXD_USER "nobody"
#endif

/* Further options of the build, as -V shows them after the paths. */
#ifndef MUXD_BUILD_OPTIONS
#define MUXD_BUILD_OPTIONS ""
#endif

#endif
