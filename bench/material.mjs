// The texts that the trials score: a prompt of 290 tokens and sixteen answers as a router of
// customers' letters has them, some of which begin alike. The weights are random, so that only
// lengths and shared beginnings matter.

export const prompt = `You sort the letters that customers write to a bank. Read the letter and say what it is about, in the words of the list and in no others. If a letter speaks of several things, say the one that the customer wants to have settled first. Do not explain your answer.

Letter: Good morning. I have been with your bank since 1998 and never had a reason to complain, but what happened last week makes me write to you. On Monday I noticed that two payments of 49.90 each had been made to a shop that I have never heard of, let alone visited. I called the number on the back of the card, waited for forty minutes, and was told that I had to fill in a form on your website. The form asks for a reference that is printed on the statement, and the statement will not arrive before the end of the month. In the meantime a third payment has been made, again to the same shop, and my account is now overdrawn, for which you charge me a fee of twelve per cent. I would like to have the payments stopped and the money returned, and I would like to know who pays for the fee. The young man at the counter did his best to help me, but he had no access to the system either. Please call me in the evening, as I work during the day.

The letter is about:`;

export const choices = [
  ' credit card',
  ' credit card fraud',
  ' credit card fees',
  ' credit limit',
  ' bank account',
  ' bank account closed',
  ' bank transfer',
  ' student loan',
  ' student loan repayment',
  ' home loan',
  ' home insurance claim',
  ' debt collection calls',
  ' mortgage payment late',
  ' identity theft',
  ' opening hours',
  ' online banking password',
];
