/*
 * An ESME by libsmpp34 (C), for src/node/interop.e2e.test.ts: each request is packed and each answer unpacked by code that is
 * not ours, and that takes no PDU with an octet more or less than it knows.
 *
 *   libsmpp34 PORT      binds as a transceiver (esme1, secret1)
 *
 * A line on stdin makes it send a request; what it hears is written as a line of JSON, with "unpacked": false and the reason where
 * the library will not have it. Ends with its stdin, or when the peer closes.
 *
 *   submit DESTINATION TEXT          submit_sm, with a user_message_reference
 *   data DESTINATION TEXT            data_sm, with a message_payload
 *   multi LIST DESTINATION…          submit_multi; LIST is - where there is none
 *   query|cancel|replace ID          with source_addr 1000
 *   enquire | unbind
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
#include <libsmpp34/smpp34_params.h>

#define PDU_OCTETS_MAX 65536

static int peer;
static uint32_t sequence;

static void send_pdu(uint32_t command_id, void *pdu)
{
    static uint8_t octets[PDU_OCTETS_MAX];
    int length = 0;
    if (smpp34_pack(command_id, octets, sizeof octets, &length, pdu) != 0) {
        fprintf(stderr, "cannot pack %08x: %s\n", command_id, smpp34_strerror);
        exit(1);
    }
    if (write(peer, octets, length) != length) exit(1);
}

#define BEGIN(type, name, id)                                                                      \
    type name;                                                                                     \
    memset(&name, 0, sizeof name);                                                                 \
    name.command_id = id;                                                                          \
    name.sequence_number = ++sequence

#define TEXT(into, from) snprintf((char *)(into), sizeof(into), "%s", from)

/** What submit_sm, submit_multi and data_sm have in common. */
#define FROM(pdu)                                                                                  \
    do {                                                                                           \
        TEXT(pdu.source_addr, "1000");                                                             \
        pdu.registered_delivery = 1;                                                               \
    } while (0)

static void short_message(uint8_t *into, uint8_t *length, const char *text)
{
    *length = strlen(text);
    memcpy(into, text, *length);
}

static void do_bind(void)
{
    BEGIN(bind_transceiver_t, bind, BIND_TRANSCEIVER);
    TEXT(bind.system_id, "esme1");
    TEXT(bind.password, "secret1");
    bind.interface_version = SMPP_VERSION;
    send_pdu(BIND_TRANSCEIVER, &bind);
}

static void do_submit(const char *destination, const char *text)
{
    BEGIN(submit_sm_t, submit, SUBMIT_SM);
    FROM(submit);
    TEXT(submit.destination_addr, destination);
    short_message(submit.short_message, &submit.sm_length, text);
    tlv_t reference = {.tag = TLVID_user_message_reference, .length = 2, .value.val16 = 7};
    build_tlv(&submit.tlv, &reference);
    send_pdu(SUBMIT_SM, &submit);
    destroy_tlv(submit.tlv);
}

static void do_data(const char *destination, const char *text)
{
    BEGIN(data_sm_t, data, DATA_SM);
    FROM(data);
    TEXT(data.destination_addr, destination);
    tlv_t payload = {.tag = TLVID_message_payload, .length = strlen(text)};
    memcpy(payload.value.octet, text, payload.length);
    build_tlv(&data.tlv, &payload);
    send_pdu(DATA_SM, &data);
    destroy_tlv(data.tlv);
}

static void do_multi(const char *list, char **destinations, int count)
{
    BEGIN(submit_multi_t, multi, SUBMIT_MULTI);
    FROM(multi);
    short_message(multi.short_message, &multi.sm_length, "to many");
    for (int i = 0; i < count; i++) {
        dad_t address = {.dest_flag = DFID_SME_Address};
        TEXT(address.value.sme.destination_addr, destinations[i]);
        build_dad(&multi.dest_addr_def, &address);
        multi.number_of_dests++;
    }
    if (strcmp(list, "-") != 0) {
        dad_t named = {.dest_flag = DFID_Distribution_List_Name};
        TEXT(named.value.dl_name, list);
        build_dad(&multi.dest_addr_def, &named);
        multi.number_of_dests++;
    }
    send_pdu(SUBMIT_MULTI, &multi);
    destroy_dad(multi.dest_addr_def);
}

static void do_query(const char *id)
{
    BEGIN(query_sm_t, query, QUERY_SM);
    TEXT(query.source_addr, "1000");
    TEXT(query.message_id, id);
    send_pdu(QUERY_SM, &query);
}

static void do_cancel(const char *id)
{
    BEGIN(cancel_sm_t, cancel, CANCEL_SM);
    TEXT(cancel.source_addr, "1000");
    TEXT(cancel.message_id, id);
    send_pdu(CANCEL_SM, &cancel);
}

static void do_replace(const char *id)
{
    BEGIN(replace_sm_t, replace, REPLACE_SM);
    TEXT(replace.source_addr, "1000");
    TEXT(replace.message_id, id);
    short_message(replace.short_message, &replace.sm_length, "another text");
    send_pdu(REPLACE_SM, &replace);
}

static void do_plain(uint32_t command_id)
{
    BEGIN(enquire_link_t, plain, command_id);
    send_pdu(command_id, &plain);
}

static void obey(char *line)
{
    char *words[300];
    int count = 0;
    for (char *word = strtok(line, " \n"); word != NULL && count < 300; word = strtok(NULL, " \n"))
        words[count++] = word;
    if (count == 0) return;
    const char *what = words[0];
    const char *one = count > 1 ? words[1] : "";
    const char *two = count > 2 ? words[2] : "";
    if (strcmp(what, "submit") == 0) do_submit(one, two);
    else if (strcmp(what, "data") == 0) do_data(one, two);
    else if (strcmp(what, "multi") == 0) do_multi(one, words + 2, count - 2);
    else if (strcmp(what, "query") == 0) do_query(one);
    else if (strcmp(what, "cancel") == 0) do_cancel(one);
    else if (strcmp(what, "replace") == 0) do_replace(one);
    else if (strcmp(what, "enquire") == 0) do_plain(ENQUIRE_LINK);
    else if (strcmp(what, "unbind") == 0) do_plain(UNBIND);
    else fprintf(stderr, "%s?\n", what);
}

/** The library's own words hold nothing that JSON would have to escape but quotes and line ends. */
static void tell_string(const char *name, const char *text)
{
    printf(",\"%s\":\"", name);
    for (; *text != 0; text++) putchar(*text == '"' || *text == '\\' || *text < ' ' ? ' ' : *text);
    putchar('"');
}

static void tell_tlvs(const tlv_t *tlv)
{
    printf(",\"tlvs\":[");
    for (const char *comma = ""; tlv != NULL; tlv = tlv->next, comma = ",") printf("%s%u", comma, tlv->tag);
    putchar(']');
}

static void hear(const uint8_t *octets, int length)
{
    union {
        submit_sm_resp_t submit;
        submit_multi_resp_t multi;
        data_sm_resp_t data;
        query_sm_resp_t query;
        deliver_sm_t deliver;
        bind_transceiver_resp_t bind;
        uint8_t room[8192];
    } pdu;
    memset(&pdu, 0, sizeof pdu);
    const uint32_t command_id = ntohl(*(const uint32_t *)(octets + 4));
    const uint32_t command_status = ntohl(*(const uint32_t *)(octets + 8));
    const uint32_t sequence_number = ntohl(*(const uint32_t *)(octets + 12));
    // SMPP 3.4 §4.4.2: a refusal has no body, which the library does not know of submit_sm_resp and its like
    const int bare = length == 16 && command_status != 0;
    const int failed = !bare && smpp34_unpack(command_id, &pdu, octets, length) != 0;
    printf("{\"event\":\"%08x\",\"status\":%u,\"unpacked\":%s", command_id, command_status,
        failed ? "false" : "true");
    if (failed) tell_string("why", smpp34_strerror);
    else if (!bare) switch (command_id) {
        case BIND_TRANSCEIVER_RESP:
            tell_string("id", (char *)pdu.bind.system_id);
            tell_tlvs(pdu.bind.tlv);
            break;
        case SUBMIT_SM_RESP: tell_string("id", (char *)pdu.submit.message_id); break;
        case DATA_SM_RESP: tell_string("id", (char *)pdu.data.message_id); break;
        case SUBMIT_MULTI_RESP:
            tell_string("id", (char *)pdu.multi.message_id);
            printf(",\"refused\":[");
            const udad_t *sme = pdu.multi.unsuccess_smes;
            for (const char *comma = ""; sme != NULL; sme = sme->next, comma = ",")
                printf("%s[\"%s\",%u]", comma, (char *)sme->destination_addr, sme->error_status_code);
            putchar(']');
            break;
        case QUERY_SM_RESP:
            tell_string("id", (char *)pdu.query.message_id);
            printf(",\"state\":%u", pdu.query.message_state);
            break;
        case DELIVER_SM:
            tell_string("text", (char *)pdu.deliver.short_message);
            tell_tlvs(pdu.deliver.tlv);
            break;
        }
    printf("}\n");
    if (command_id == DELIVER_SM) {
        deliver_sm_resp_t answer;
        memset(&answer, 0, sizeof answer);
        answer.command_id = DELIVER_SM_RESP;
        answer.sequence_number = sequence_number;
        send_pdu(DELIVER_SM_RESP, &answer);
    }
    if (command_id == ENQUIRE_LINK) {
        enquire_link_t answer;
        memset(&answer, 0, sizeof answer);
        answer.command_id = ENQUIRE_LINK_RESP;
        answer.sequence_number = sequence_number;
        send_pdu(ENQUIRE_LINK_RESP, &answer);
    }
}

/** Hands out each whole PDU; returns how many octets are left. */
static int take_pdus(uint8_t *octets, int length)
{
    int at = 0;
    while (length - at >= 16) {
        const int size = (int)ntohl(*(const uint32_t *)(octets + at));
        if (size < 16 || size > PDU_OCTETS_MAX) exit(1);
        if (length - at < size) break;
        hear(octets + at, size);
        at += size;
    }
    memmove(octets, octets + at, length - at);
    return length - at;
}

int main(int count, char **arguments)
{
    static uint8_t octets[PDU_OCTETS_MAX];
    int length = 0;
    char line[8192];
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (count != 2) return 2;
    address.sin_port = htons((uint16_t)atoi(arguments[1]));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    peer = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer, (struct sockaddr *)&address, sizeof address) != 0) return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    do_bind();
    for (;;) {
        struct pollfd both[2] = {{.fd = 0, .events = POLLIN}, {.fd = peer, .events = POLLIN}};
        if (poll(both, 2, -1) < 0) return 1;
        if (both[0].revents != 0) {
            if (fgets(line, sizeof line, stdin) == NULL) return 0;
            obey(line);
        }
        if (both[1].revents == 0) continue;
        const int got = (int)read(peer, octets + length, sizeof octets - length);
        if (got <= 0) return 0;
        length = take_pdus(octets, length + got);
    }
}
