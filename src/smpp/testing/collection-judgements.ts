/** Where a collection of PDUs judges otherwise than we do, and why we stay with ours: by the PDU's id and what differs. */
export const JUDGED_OTHERWISE: readonly { id: string; what: string; why: string }[] = [
  {
    id: 'submit-multi-newline-dests',
    what: 'command_status',
    why: `a submit_multi whose two addresses run into each other. Its first destination_addr has 26 characters and the standard
20 (SMPP 3.4 §4.5.1.1), so the codec says ESME_RINVDSTADR before it comes to the dest_flag or sm_length that the collection
looks at`,
  },
]
