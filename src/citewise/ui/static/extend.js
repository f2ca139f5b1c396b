// Where other parts of the chat join in. A section's script imports this and calls, at its top:
//
//   addTab({ id, title: () => text, build(container), shown(container) })   a tab of the side column
//   addAction((turn, conversation) => element or null)                      under each finished answer
//   addConversationAction((conversation) => element or null)                for each conversation listed
//   addToQuestion((turn, conversation) => ({ field: value }))               sent along with a question
//   addSourceTool((source, text) => element or null)                        above the text of a source
//
// A turn is { id, question, state, evidence, draft, answer, error, ... }; `turn.answer.id` is the id
// by which the server knows the answer. All texts belong in the tables of the server's languages.
export const tabs = [];
export const actions = [];
export const conversationActions = [];
export const questionFields = [];
export const sourceTools = [];

export const addTab = (tab) => tabs.push(tab);
export const addAction = (action) => actions.push(action);
export const addConversationAction = (action) => conversationActions.push(action);
export const addToQuestion = (fields) => questionFields.push(fields);
export const addSourceTool = (tool) => sourceTools.push(tool);

// Events on the document: "citewise:documents" says that what is searched has changed.
export const documentsChanged = () => document.dispatchEvent(new CustomEvent("citewise:documents"));
