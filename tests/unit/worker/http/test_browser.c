#include "worker/http/browser.h"

#include "tests/unit/unit.h"

START_TEST(old_internet_explorers)
{
    static const struct {
        const char *agent;
        bool old;
    } agents[] = {
        { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", true },
        { "Mozilla/2.0 (compatible; MSIE 4.01; Windows 95)", true },
        { "MSIE 5.5;", true },
        { "MSIE 5.5", true },
        { "MSIE 5.", false },
        { "MSIE ", false },
        { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", false },
        { "Mozilla/4.0 (compatible; MSIE 6.0; X11) Opera 7.0", false },
        { "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)", false },
        { "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2)", false },
        { "Mozilla/5.0 Firefox/100.0", false },
        { "", false },
    };

    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
        ck_assert_msg(browser_is_msie6(slice_of(agents[i].agent)) == agents[i].old, "%s",
                      agents[i].agent);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("browser", (const TTest *[]){ old_internet_explorers, NULL }));
}
