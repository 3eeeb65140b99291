/** Where a collection of PDUs judges otherwise than we do, and why we stay with ours: by the PDU's id and what differs. */
export const JUDGED_OTHERWISE: readonly { id: string; what: string; why: string }[] = [
  {
    id: 'submit-multi-newline-dests',
    what: 'command_status',
    why: `a submit_multi whose two addresses run into each other. Its first destination_addr has 26 characters and the standard
20 (SMPP 3.4 §4.5.1.1), so the codec says ESME_RINVDSTADR before it comes to the dest_flag or sm_length that the collection
looks at`,
  },
  {
    id: 'submit_sm-07',
    what: 'status of the hot path',
    why: `a submit_sm with a text in short_message and another in message_payload, which shows how TLVs are written. Every octet of it is
decoded and written again; a gateway cannot know which of the two is meant, so a submit_sm like it is refused: with a message_payload sm_length
is 0 (SMPP 3.4 §5.2.21)`,
  },
]
