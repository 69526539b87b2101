export { CadenceEditor } from "./CadenceEditor";
export { checkContacts, ContactsEditor } from "./ContactsEditor";
export { Disclosure } from "./Disclosure";
export { isOpen as isMappingOpen, MappingEditor, useMappingSummary } from "./MappingEditor";
export { checkSettings, tidied, withDefaults } from "./schema";
export { SchemaForm, type SchemaFormProps } from "./SchemaForm";
