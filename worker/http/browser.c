#include "worker/http/browser.h"

bool browser_is_msie6(struct slice agent)
{
    const char *msie = slice_search(agent, SLICE("MSIE "));

    if (msie == NULL || msie + 7 >= agent.at + agent.len || msie[6] != '.')
        return false;
    return msie[5] >= '4' && msie[5] <= '6' && slice_search(agent, SLICE("SV1")) == NULL &&
           slice_search(agent, SLICE("Opera")) == NULL;
}
